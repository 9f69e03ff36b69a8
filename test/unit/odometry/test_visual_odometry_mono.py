import numpy as np
import pytest
from odometry_runs import errors_m, feed, make, run
from point_world import World, room, sideways, turning, wall

from aliked_ros.geometry import se3
from aliked_ros.odometry import Motion, State


def test_a_single_camera_never_begins_on_a_rotation_or_while_it_stands():
    for path, motion in ((turning(12), Motion.ROTATION), ([np.eye(4)] * 12, Motion.NONE)):
        results = run(room(), path, "mono")
        assert {result.state for result in results} == {State.INITIALISING}
        assert all(result.T_world_camera is None for result in results)
        assert results[3].motion is motion
        assert all(result.reason for result in results)


def test_a_single_cameras_unit_is_the_median_depth_of_the_first_landmarks():
    world, path = room(), sideways(20)
    results = run(world, path, "mono")
    scale, _ = errors_m(results, path)
    depths = world.see(path[0])[1]
    assert scale == pytest.approx(np.median(depths), rel=0.3)


def test_a_single_camera_never_moves_wrongly_before_a_plane():
    # Two motions explain a plane seen twice: the odometry may wait, but not choose wrongly.
    path = sideways(40)
    results = run(wall(), path, "mono")
    for result, T in zip(results, path, strict=True):
        if result.state is State.TRACKING and np.linalg.norm(T[:3, 3]) > 1.0:
            estimate, truth = result.T_world_camera[:3, 3], T[:3, 3]
            cosine = estimate @ truth / np.linalg.norm(estimate) / np.linalg.norm(truth)
            assert cosine > np.cos(np.radians(5))
            error = se3.inverse(T) @ result.T_world_camera
            assert se3.rotation_angle_deg(error[:3, :3]) < 1.0


def around(num_frames, start):
    """Turn on the spot until nothing of the first image is left, 4 deg per image."""
    step = se3.from_rotation_translation(se3.exp_so3(np.array([0, 0.07, 0])), np.zeros(3))
    return [start @ np.linalg.matrix_power(step, index + 1) for index in range(num_frames)]


def test_a_single_camera_that_turns_away_from_its_landmarks_stays_where_it_is():
    points = np.random.default_rng(3).uniform([-9, -4, -9], [9, 4, 9], (6000, 3))
    world = World(points[np.linalg.norm(points[:, [0, 2]], axis=1) > 4])
    path = sideways(20)
    turn = around(30, path[-1])
    results = run(world, path + turn, "mono")
    start = results[19].T_world_camera
    for result in results[20:]:
        assert result.state is State.TRACKING
        assert np.linalg.norm((result.T_world_camera - start)[:3, 3]) < 0.05
    turned = se3.inverse(start) @ results[-1].T_world_camera
    error = se3.inverse(se3.inverse(path[-1]) @ turn[-1]) @ turned
    assert se3.rotation_angle_deg(error[:3, :3]) < 2


def test_a_single_camera_keeps_its_unit_when_it_begins_anew():
    path = sideways(30)
    sightings = [room().see(T) for T in path] + [room(seed=7).see(T) for T in path]
    results = feed(make("mono", coast_s=0.0), sightings, "mono")
    assert results[30].state is State.LOST
    assert results[-1].state is State.TRACKING

    def length(result0, result1):
        return np.linalg.norm((result1.T_world_camera - result0.T_world_camera)[:3, 3])

    # Both places have the same median depth, so the same speed must come out.
    before, after = length(*results[24:30:5]), length(*results[54:60:5])
    assert after == pytest.approx(before, rel=0.3)
