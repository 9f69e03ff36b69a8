from dataclasses import dataclass

import numpy as np
import pytest
from map_world import keyframe_of, points_of, true_map
from point_world import K, room, sideways

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.map.mapping import Mapping
from aliked_ros.odometry.runners import AtOnce, InBackground

PATH = sideways(60)[::5]


@dataclass
class ByHand:
    """A runner whose result is there when the test says so."""

    problem: BundleProblem | None = None
    result: BundleResult | None = None
    num_started: int = 0

    @property
    def is_busy(self):
        return self.problem is not None

    def start(self, problem):
        assert not self.is_busy
        self.problem, self.num_started = problem, self.num_started + 1

    def finish(self):
        self.result, self.problem = adjust_bundle(self.problem), None

    def take(self):
        result, self.result = self.result, None
        return result


def make(make_runner=AtOnce, sensor="rgbd", **changes):
    return Mapping(OdometryConfig(sensor=sensor, **changes), K, make_runner)


def linked_to(world, local_map, T_world_view, number, truth, **how):
    """A view that tracking has linked to the map; truth: point of the world of each landmark."""
    keyframe = keyframe_of(world, T_world_view, number, linked=False, **how)
    number_of = {point: n for n, point in enumerate(truth)}
    shown = points_of(world, keyframe.view)
    keyframe.landmark[:] = [number_of.get(point, -1) for point in shown]
    return keyframe


def truth_of(world, local_map):
    """The point of the world that each landmark looks like."""
    similarity = local_map.landmarks.descriptors @ world.descriptors.numpy().T
    return np.argmax(similarity, axis=1)


def drive(mapping, world, path, off_m=0.0, **how):
    """Insert keyframes along a path, each a little off; return the map."""
    local_map, generator = LocalMap(64), np.random.default_rng(0)
    drift = np.eye(4)
    for number, T in enumerate(path):
        truth = truth_of(world, local_map)
        keyframe = linked_to(world, local_map, T, number, truth, **how)
        if number:
            keyframe.T_view_world = keyframe.T_view_world @ se3.inverse(drift)
            twist = np.concatenate([generator.normal(0, off_m, 3), np.zeros(3)])
            keyframe.T_view_world = se3.exp(twist) @ keyframe.T_view_world
        drift = mapping.insert(local_map, keyframe, 0.9) @ drift
        drift = mapping.update(local_map) @ drift
    return local_map


def errors_m(world, local_map):
    truth = world.points[truth_of(world, local_map)]
    return np.linalg.norm(local_map.landmarks.points_world - truth, axis=1)


def test_the_first_keyframe_makes_landmarks_of_its_depths():
    world, mapping, local_map = room(), make(), LocalMap(64)
    keyframe = keyframe_of(world, PATH[0], linked=False)
    correction = mapping.insert(local_map, keyframe, 0.9)
    np.testing.assert_array_equal(correction, np.eye(4))
    assert local_map.keyframes == [keyframe]
    assert len(local_map.landmarks) == len(keyframe.view)


def test_a_keyframe_without_depths_makes_landmarks_by_triangulation():
    world = room()
    local_map = true_map(world, PATH[:2], depth=False)
    for keyframe in local_map.keyframes:
        keyframe.landmark[keyframe.landmark >= 500] = -1
    view = keyframe_of(world, PATH[2], 2, depth=False)
    view.landmark[view.landmark >= 500] = -1
    make(sensor="mono", window_size=1).insert(local_map, view, 0.9)
    made = view.numbers[view.numbers >= len(world.points)]
    assert len(made) > 50
    assert np.median(errors_m(world, local_map)[made]) < 0.3


def test_each_point_of_the_world_stays_one_landmark():
    world = room(count=600)
    local_map = drive(make(), world, PATH)
    alive = np.flatnonzero(local_map.landmarks.is_alive)
    truth = truth_of(world, local_map)[alive]
    assert len(np.unique(truth)) == len(truth) > 200
    for keyframe in local_map.keyframes:
        linked = keyframe.linked
        shown = points_of(world, keyframe.view)[linked]
        np.testing.assert_array_equal(truth_of(world, local_map)[keyframe.landmark[linked]], shown)


@pytest.mark.parametrize("runner", [AtOnce, InBackground])
def test_the_map_is_of_the_same_quality_at_once_and_in_the_background(runner):
    world = room(count=600)
    mapping = make(runner)
    local_map = drive(mapping, world, PATH, off_m=0.01)
    wait_for(mapping, local_map)
    alive = local_map.landmarks.is_alive
    assert np.median(errors_m(world, local_map)[alive]) < 0.015
    for keyframe in local_map.keyframes:
        truth = PATH[keyframe.number][:3, 3]
        assert np.linalg.norm(keyframe.centre_world - truth) < 0.03


def wait_for(mapping, local_map):
    future = getattr(mapping._runner, "_future", None)
    if future is not None:
        future.result(60)
    mapping.update(local_map)


def test_adjusting_brings_keyframes_to_their_places():
    def error_m(window_size):
        local_map = drive(make(window_size=window_size), room(count=600), PATH, off_m=0.03)
        centres = [(k.centre_world, PATH[k.number][:3, 3]) for k in local_map.keyframes]
        return np.median([np.linalg.norm(said - true) for said, true in centres])

    assert error_m(10) < 0.3 * error_m(1)


def by_hand(world, num=3):
    runner = ByHand()
    mapping = make(lambda: runner)
    local_map = true_map(world, PATH[:num])
    return mapping, runner, local_map


def insert(mapping, world, local_map, number, off=0.0):
    keyframe = keyframe_of(world, PATH[number], number)
    keyframe.T_view_world = se3.exp(np.full(6, off)) @ keyframe.T_view_world
    return mapping.insert(local_map, keyframe, 0.9)


def test_a_result_is_brought_in_once_when_it_is_there():
    world = room(count=600)
    mapping, runner, local_map = by_hand(world)
    np.testing.assert_array_equal(insert(mapping, world, local_map, 3, off=0.01), np.eye(4))
    before = local_map.newest.T_world_view
    np.testing.assert_array_equal(mapping.update(local_map), np.eye(4))
    runner.finish()
    correction = mapping.update(local_map)
    np.testing.assert_allclose(correction @ before, local_map.newest.T_world_view, atol=1e-12)
    assert np.linalg.norm(se3.log(correction)) > 0.01
    np.testing.assert_array_equal(mapping.update(local_map), np.eye(4))


def test_while_a_window_is_under_way_keyframes_come_and_no_other_window_begins():
    world = room(count=600)
    mapping, runner, local_map = by_hand(world)
    for number in (3, 4, 5):
        insert(mapping, world, local_map, number)
        assert local_map.newest.number == number
    assert runner.num_started == 1
    runner.finish()
    insert(mapping, world, local_map, 6)
    assert runner.num_started == 2


def test_another_map_knows_nothing_of_a_window_that_is_under_way():
    world = room(count=600)
    runners = []

    def make_runner():
        runners.append(ByHand())
        return runners[-1]

    mapping, local_map = make(make_runner), true_map(world, PATH[:3])
    insert(mapping, world, local_map, 3, off=0.01)
    other = true_map(world, PATH[:3])
    mapping.forget()
    runners[0].finish()
    before = [k.T_view_world.copy() for k in other.keyframes]
    np.testing.assert_array_equal(mapping.update(other), np.eye(4))
    np.testing.assert_array_equal([k.T_view_world for k in other.keyframes], before)


def test_dead_landmarks_are_removed_but_not_while_a_window_is_under_way():
    world = room(count=600)
    mapping, runner, local_map = by_hand(world)
    num = 3000
    rows = np.zeros((num, 3))
    local_map.landmarks.add(
        rows, np.zeros((num, 3, 3)), np.zeros((num, 64), np.float32), rows, 0
    )  # that no keyframe shows
    insert(mapping, world, local_map, 3)
    assert len(local_map.landmarks) == 600 + num
    runner.finish()
    mapping.update(local_map)
    runner.start = lambda problem: None  # never again: _window stays None only without a window
    mapping._config = OdometryConfig(sensor="rgbd", window_size=1)
    insert(mapping, world, local_map, 4)
    assert len(local_map.landmarks) <= 600
    truth = truth_of(world, local_map)
    for keyframe in local_map.keyframes:
        linked = keyframe.linked
        shown = points_of(world, keyframe.view)[linked]
        np.testing.assert_array_equal(truth[keyframe.landmark[linked]], shown)
