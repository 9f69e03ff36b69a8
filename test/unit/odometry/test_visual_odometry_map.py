"""What the map is for, on long paths: coming back, bounded memory, bounded work, gaps of depth."""

import numpy as np
import pytest
from odometry_runs import SENSORS, errors_m, feed, make
from point_world import World, nothing, room, sideways

from aliked_ros.geometry import se3
from aliked_ros.odometry import State
from aliked_ros.odometry import localiser as localiser_module
from aliked_ros.odometry import recovery as recovery_module
from aliked_ros.odometry.map import mapping as mapping_module


def corridor(length_m, per_m=60, seed=0):
    """Points on both sides of a way along x."""
    generator = np.random.default_rng(seed)
    num = int(length_m * per_m)
    low, high = [-8, -4, 2], [length_m + 8, 4, 9]
    return World(generator.uniform(low, high, (num, 3)), seed)


def along(x_m):
    return se3.from_rotation_translation(np.eye(3), np.array([x_m, 0.0, 0.0]))


def drift_m(seed):
    """How far off the odometry is after 11 m to the right and the same way back."""
    there = [along(0.2 * index) for index in range(56)]
    path, world = [*there, *reversed(there)], corridor(11, per_m=40, seed=seed)
    world.noise_px = 1.0
    results = feed(make("rgbd", keypoint_noise_px=1.0), [world.see(T) for T in path], "rgbd")
    assert {result.state for result in results} == {State.TRACKING}
    return np.linalg.norm(results[-1].T_world_camera[:3, 3])


def test_a_camera_that_comes_back_drifts_less_than_one_that_forgets(monkeypatch):
    seeds = range(3)
    with_map = np.mean([drift_m(seed) for seed in seeds])
    cull = mapping_module.cull_keyframes
    monkeypatch.setattr(mapping_module, "cull_keyframes", lambda m, _: cull(m, 3))
    assert with_map < 0.7 * np.mean([drift_m(seed) for seed in seeds])


def test_images_without_any_depth_are_followed_among_those_with_depth():
    world, path = room(), sideways(40)
    sightings = [world.see(T) for T in path]
    for index in range(10, 30):
        features, depths_m = sightings[index]
        sightings[index] = features, np.full_like(depths_m, np.nan)
    results = feed(make("rgbd"), sightings, "rgbd")
    assert {result.state for result in results} == {State.TRACKING}
    scale, errors = errors_m(results, path)
    assert scale == pytest.approx(1.0, abs=0.01)
    assert errors.max() < 0.06


@pytest.mark.parametrize("sensor", SENSORS)
def test_memory_is_bounded_over_a_long_way(sensor):
    num, step_m, max_keyframes = 300, 0.25, 10
    world = corridor(num * step_m, per_m=25)
    odometry = make(sensor, max_keyframes=max_keyframes, window_size=3)
    num_landmarks, num_made, rows, states = [], 0, [], []
    for index in range(num):
        result = feed(odometry, [world.see(along(step_m * index))], sensor, start=index)[0]
        states.append(result.state)
        num_made += result.is_keyframe
        assert len(odometry.keyframes()) <= max_keyframes
        num_landmarks.append(len(odometry.landmarks()[0]))
        rows.append(0 if odometry._map is None else len(odometry._map.landmarks))
    assert num_made > 3 * max_keyframes
    assert set(states[20:]) == {State.TRACKING}
    assert max(num_landmarks[num // 2 :]) < 1.3 * max(num_landmarks[: num // 2])
    # Of the table at most a thousand rows more than the living are dead, but for one keyframe's.
    assert max(rows) < 2 * max(num_landmarks) + 1000 + 500


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_long_way_is_followed_to_its_end(sensor):
    num, step_m = 100, 0.2
    path, world = [along(step_m * index) for index in range(num)], corridor(num * step_m, per_m=40)
    results = feed(make(sensor), [world.see(T) for T in path], sensor)
    assert results[-1].state is State.TRACKING
    assert errors_m(results, path)[1].max() < 0.01 * step_m * num


def counting(monkeypatch, module, name, calls):
    original = getattr(module, name)

    def counted(*args, **kwargs):
        calls[name] = calls.get(name, 0) + 1
        return original(*args, **kwargs)

    monkeypatch.setattr(module, name, counted)


def test_the_images_of_a_lost_camera_cost_bounded_work(monkeypatch):
    world, path = room(), sideways(40)
    sightings = [world.see(T) for T in path]
    odometry = make("rgbd", keyframe_displacement_of_width=0.02, coast_s=0.0)
    feed(odometry, sightings, "rgbd")
    assert len(odometry.keyframes()) >= 5
    calls = {}
    counting(monkeypatch, recovery_module, "find_by_descriptor", calls)
    counting(monkeypatch, localiser_module, "estimate_absolute_pose", calls)
    counting(monkeypatch, localiser_module, "find_by_place", calls)
    per_image = []
    for index in range(20):
        # Every image is another place: nothing is ever known.
        calls.clear()
        view = room(seed=100 + index, count=400).see(np.eye(4))
        result = feed(odometry, [view], "rgbd", start=40 + index)[0]
        assert result.state is State.LOST
        per_image.append(dict(calls))
    for calls in per_image:
        assert calls.get("find_by_descriptor", 0) <= 2
        assert calls.get("estimate_absolute_pose", 0) <= 2 + 2
        assert calls.get("find_by_place", 0) <= 2
    assert sum(calls.get("find_by_descriptor", 0) for calls in per_image) > 2


def test_the_images_of_a_lost_camera_that_show_nothing_cost_nothing(monkeypatch):
    world, odometry = room(), make("rgbd")
    feed(odometry, [world.see(T) for T in sideways(10)], "rgbd")
    feed(odometry, [nothing()], "rgbd", start=10)
    calls = {}
    for module, name in (
        (recovery_module, "find_by_descriptor"),
        (localiser_module, "estimate_absolute_pose"),
        (localiser_module, "find_by_place"),
        (mapping_module, "apply"),
    ):
        counting(monkeypatch, module, name, calls)
    feed(odometry, [nothing()] * 20, "rgbd", start=11)
    assert calls == {}


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_seed_repeats_a_run_through_loss_and_return_exactly(sensor):
    def run():
        here, there = room(), room(seed=7)
        sightings = [here.see(T, 0.2) for T in sideways(25)]
        sightings[15:18] = [there.see(T, 0.2) for T in sideways(3)]
        return feed(make(sensor, coast_s=0.0), sightings, sensor)

    first, second = run(), run()
    assert {State.TRACKING, State.LOST} <= {result.state for result in first}
    for one, other in zip(first, second, strict=True):
        assert one.state is other.state
        assert one.num_inliers == other.num_inliers
        np.testing.assert_array_equal(one.covariance, other.covariance)
        if one.T_world_camera is not None:
            np.testing.assert_array_equal(one.T_world_camera, other.T_world_camera)


def test_depths_that_most_landmarks_contradict_do_not_spoil_a_pose_that_their_places_agree_on():
    world, path = room(), sideways(12)
    leap = [T.copy() for T in path]
    for T in leap[6:]:
        T[0, 3] += 1.2  # further than landmarks are looked for: the pose is sampled
    generator = np.random.default_rng(0)
    sightings = [world.see(T) for T in leap]
    features, depths_m = sightings[6]
    is_wrong = generator.random(len(depths_m)) < 0.75
    sightings[6] = features, np.where(is_wrong, 1.2 * depths_m, depths_m)
    results = feed(make("rgbd"), sightings, "rgbd")
    assert {result.state for result in results} == {State.TRACKING}
    assert errors_m(results, leap)[1].max() < 0.1
