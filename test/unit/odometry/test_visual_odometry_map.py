"""What the map is for, on long paths: coming back, bounded memory, bounded work, gaps of depth."""

import numpy as np
import pytest
from odometry_runs import SENSORS, errors_m, feed, make
from point_world import World, nothing, room, sideways

from aliked_ros.geometry import se3
from aliked_ros.odometry import State
from aliked_ros.odometry import localiser as localiser_module
from aliked_ros.odometry import recovery as recovery_module
from aliked_ros.odometry.map import window as window_module
from aliked_ros.odometry.map.links import find_by_place


def there_and_back(num=55):
    """To the right and backwards over the same way, to where it began."""
    path = sideways(num, 0.12)
    return [*path, *reversed(path)]


def drift_m(path, world, **changes):
    results = feed(make("rgbd", **changes), [world.see(T) for T in path], "rgbd")
    assert {result.state for result in results} == {State.TRACKING}
    return np.linalg.norm((se3.inverse(path[-1]) @ results[-1].T_world_camera)[:3, 3])


def corridor(length_m, per_m=60, seed=0):
    """Points on both sides of a way along x."""
    generator = np.random.default_rng(seed)
    num = int(length_m * per_m)
    low, high = [-8, -4, 2], [length_m + 8, 4, 9]
    return World(generator.uniform(low, high, (num, 3)), seed)


def noisy(world, noise_px=1.0):
    world.noise_px = noise_px
    return world


def test_a_camera_that_comes_back_drifts_less_than_one_that_forgets():
    path = there_and_back()
    with_map = [drift_m(path, noisy(room(seed)), keypoint_noise_px=1.0) for seed in range(3)]
    # Ten keyframes are the fewest that a map can have: on the way back the first are forgotten.
    forgets = [
        drift_m(
            path, noisy(room(seed)), keypoint_noise_px=1.0, window_size=1, max_keyframes=10,
            keyframe_displacement_of_width=0.02,
        )
        for seed in range(3)
    ]  # fmt: skip
    assert np.mean(with_map) < 0.6 * np.mean(forgets)


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
    num, max_keyframes = 500, 10
    world = corridor(num * 0.1)
    odometry = make(sensor, max_keyframes=max_keyframes, window_size=3)
    num_landmarks, num_made, rows, states = [], 0, [], []
    for index in range(num):
        T = se3.from_rotation_translation(np.eye(3), np.array([0.1 * index, 0, 0]))
        result = feed(odometry, [world.see(T)], sensor, start=index)[0]
        states.append(result.state)
        num_made += result.is_keyframe
        assert len(odometry.keyframes()) <= max_keyframes
        num_landmarks.append(len(odometry.landmarks()[0]))
        rows.append(0 if odometry._map is None else len(odometry._map.landmarks))
    assert num_made > 3 * max_keyframes
    assert set(states[20:]) == {State.TRACKING}
    assert max(num_landmarks[num // 2 :]) < 1.3 * max(num_landmarks[: num // 2])
    # Of the table at most a thousand rows more than the living are dead.
    assert max(rows) <= 2 * max(num_landmarks) + 1000 + 1000


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_long_way_is_followed_by_its_end(sensor):
    num = 200
    path = [
        se3.from_rotation_translation(np.eye(3), np.array([0.1 * i, 0.0, 0.0])) for i in range(num)
    ]
    world = corridor(num * 0.1)
    results = feed(make(sensor), [world.see(T) for T in path], sensor)
    assert results[-1].state is State.TRACKING
    assert errors_m(results, path)[1].max() < 0.01 * 0.1 * num


def counting(monkeypatch, module, name, calls):
    original = getattr(module, name)

    def counted(*args, **kwargs):
        calls[name] = calls.get(name, 0) + 1
        return original(*args, **kwargs)

    monkeypatch.setattr(module, name, counted)


def test_the_images_of_a_lost_camera_cost_bounded_work(monkeypatch):
    world, path = room(), sideways(60)
    sightings = [world.see(T) for T in path]
    odometry = make("rgbd", keyframe_displacement_of_width=0.02)
    feed(odometry, sightings, "rgbd")
    assert len(odometry.keyframes()) >= 5
    calls = {}
    counting(monkeypatch, recovery_module, "find_by_descriptor", calls)
    counting(monkeypatch, localiser_module, "estimate_absolute_pose", calls)
    counting(monkeypatch, localiser_module, "find_by_place", calls)
    per_image = []
    for index in range(60):
        # Every image is another place: nothing is ever known.
        calls.clear()
        view = room(seed=100 + index, count=400).see(np.eye(4))
        result = feed(odometry, [view], "rgbd", start=60 + index)[0]
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
        (window_module, "apply"),
    ):
        counting(monkeypatch, module, name, calls)
    feed(odometry, [nothing()] * 20, "rgbd", start=11)
    assert calls == {}
    assert find_by_place is not localiser_module.find_by_place


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_seed_repeats_a_run_through_loss_and_return_exactly(sensor):
    def run():
        here, there = room(), room(seed=7)
        sightings = [here.see(T, 0.2) for T in sideways(25)]
        sightings[15:18] = [there.see(T, 0.2) for T in sideways(3)]
        return feed(make(sensor), sightings, sensor)

    first, second = run(), run()
    assert {State.TRACKING, State.LOST} <= {result.state for result in first}
    for one, other in zip(first, second, strict=True):
        assert one.state is other.state
        assert one.num_inliers == other.num_inliers
        np.testing.assert_array_equal(one.covariance, other.covariance)
        if one.T_world_camera is not None:
            np.testing.assert_array_equal(one.T_world_camera, other.T_world_camera)
