import numpy as np
import pytest
import torch
from odometry_runs import SENSORS, errors_m, feed, make
from point_world import nothing, room, sideways

from aliked_ros.odometry import State
from aliked_ros.odometry.result import UNKNOWN_VARIANCE


@pytest.mark.parametrize("sensor", SENSORS)
def test_when_lost_the_pose_is_held_and_tracking_goes_on_where_it_is(sensor):
    world, path = room(), sideways(30)
    sightings = [world.see(T) for T in path]
    sightings[20:23] = [nothing()] * 3
    results = feed(make(sensor, coast_s=0.0), sightings, sensor)
    before = results[19]
    assert before.state is State.TRACKING
    for result in results[20:23]:
        assert result.state is State.LOST
        assert result.reason
        np.testing.assert_array_equal(result.T_world_camera, before.T_world_camera)
        assert np.diag(result.covariance).min() > 100 * np.diag(before.covariance).max()
    assert {result.state for result in results[23:]} == {State.TRACKING}
    assert errors_m(results, path)[1].max() < 0.08


@pytest.mark.parametrize("sensor", SENSORS)
def test_images_without_keypoints_are_no_crash_and_no_pose(sensor):
    for result in feed(make(sensor), [nothing()] * 4, sensor):
        assert result.state is State.INITIALISING
        assert result.T_world_camera is None
        assert result.num_keypoints == len(result.tracks) == 0
        assert result.reason


def test_fewer_than_five_keypoints_are_not_enough():
    features, depths_m = room().see(np.eye(4))
    few = features.select(torch.arange(4))
    for result in feed(make("rgbd"), [(few, depths_m[:4])] * 3, "rgbd"):
        assert result.state is State.INITIALISING


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_leap_to_an_unknown_place_begins_anew_at_the_held_pose(sensor):
    here, there, path = room(), room(seed=7), sideways(6)
    sightings = [here.see(T) for T in path] + [there.see(T) for T in path]
    results = feed(make(sensor, coast_s=0.0), sightings, sensor)
    held = results[5].T_world_camera
    assert results[6].state is State.LOST
    assert results[6].is_keyframe
    np.testing.assert_array_equal(results[6].T_world_camera, held)
    for result, T in zip(results[7:], path[1:], strict=True):
        assert result.state is State.TRACKING
        np.testing.assert_allclose(result.T_world_camera, held @ T, atol=0.05)
        # The leap has unknown length, and every pose after it inherits that.
        assert np.diag(result.covariance).min() >= UNKNOWN_VARIANCE / 2


@pytest.mark.parametrize("sensor", ["mono", "stereo", "rgbd"])
def test_the_lost_place_is_recognised_and_the_pose_is_right_again(sensor):
    here, there, path = room(), room(seed=7), sideways(24)
    sightings = [here.see(T) for T in path]
    sightings[15:20] = [there.see(T) for T in sideways(5)]
    results = feed(make(sensor, coast_s=0.0), sightings, sensor)
    assert results[15].state is State.LOST
    back = results[20:]
    assert {result.state for result in back} == {State.TRACKING}
    known = results[:15] + back
    assert errors_m(known, path[:15] + path[20:])[1].max() < 0.1
    assert np.diag(back[-1].covariance).max() < 1e-2


@pytest.mark.parametrize("sensor", SENSORS)
def test_in_the_dark_the_pose_goes_on_and_then_is_held(sensor):
    path = sideways(40)
    sightings = [room().see(T) for T in path]
    sightings[20:34] = [nothing()] * 14
    results = feed(make(sensor, coast_s=0.5), sightings, sensor)
    states = [result.state for result in results[20:34]]
    assert states == [State.PREDICTED] * 5 + [State.LOST] * 9
    assert all(result.reason for result in results[20:34])
    # 1 m: the camera goes on as it went; a pose that is held would be 0.5 m behind after 0.5 s.
    scale, _ = errors_m(results[:20], path[:20])
    for result, T in zip(results[20:25], path[20:25], strict=True):
        assert np.linalg.norm(scale * result.T_world_camera[:3, 3] - T[:3, 3]) < 0.1
    spreads = [np.trace(result.covariance[:3, :3]) for result in results[19:26]]
    assert np.all(np.diff(spreads) > 0)
    for result in results[26:34]:
        np.testing.assert_array_equal(result.T_world_camera, results[25].T_world_camera)
        assert np.diag(result.covariance).min() >= UNKNOWN_VARIANCE / 2
    assert {result.state for result in results[34:]} == {State.TRACKING}


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_map_may_begin_where_the_camera_is_predicted(sensor):
    here, there, path = room(), room(seed=7), sideways(12)
    sightings = [here.see(T) for T in path[:6]] + [there.see(T) for T in path[6:]]
    results = feed(make(sensor), sightings, sensor)
    assert results[6].state is State.PREDICTED
    assert results[6].is_keyframe
    assert {result.state for result in results[7:]} == {State.TRACKING}
    # It went on at its velocity, and says how uncertain that is.
    assert errors_m(results, path)[1].max() < 0.1
    assert np.trace(results[7].covariance[:3, :3]) > 10 * np.trace(results[5].covariance[:3, :3])
