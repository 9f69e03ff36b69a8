import numpy as np
import pytest
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
    few = features.select(np.arange(4))
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
