from dataclasses import replace

import numpy as np
import pytest
import torch
from odometry_runs import SENSORS, errors_m, feed, make, run
from point_world import CAMERA, FRAME_NS, K, World, room, sideways, turning, wall

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project_raw, to_plane
from aliked_ros.odometry import Motion, State, VisualOdometry


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_path_through_points_is_followed(sensor):
    path = sideways(40)
    results = run(room(), path, sensor)
    states = [result.state for result in results]
    first = states.index(State.TRACKING)
    assert first <= (8 if sensor == "mono" else 0)
    assert set(states[first:]) == {State.TRACKING}
    scale, errors = errors_m(results, path)
    assert errors.max() < 0.06
    if sensor != "mono":
        assert scale == pytest.approx(1.0, abs=0.01)
    last = se3.inverse(path[-1]) @ results[-1].T_world_camera
    assert se3.rotation_angle_deg(last[:3, :3]) < 0.5


@pytest.mark.parametrize("sensor", SENSORS)
def test_half_of_the_keypoints_being_wrong_does_not_matter(sensor):
    path = sideways(20)
    results = run(room(), path, sensor, outlier_share=0.3)
    assert results[-1].state is State.TRACKING
    assert errors_m(results, path)[1].max() < 0.1


@pytest.mark.parametrize("sensor", SENSORS)
def test_the_same_seed_gives_the_same_poses(sensor):
    first, second = (run(room(), sideways(12), sensor, 0.3) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        if one.T_world_camera is None:
            assert other.T_world_camera is None
            continue
        np.testing.assert_array_equal(one.T_world_camera, other.T_world_camera)


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_camera_that_stands_still_does_not_move(sensor):
    results = run(room(), [np.eye(4)] * 15, sensor)
    assert {result.motion for result in results} == {Motion.NONE}
    for result in results:
        np.testing.assert_array_equal(result.T_world_camera, np.eye(4))


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_pure_rotation_is_told_apart_and_moves_nowhere(sensor):
    path = turning(10)
    results = run(room(), path, sensor)
    assert {result.motion for result in results[1:]} == {Motion.ROTATION}
    for result, T in zip(results, path, strict=True):
        error = se3.inverse(T) @ result.T_world_camera
        assert np.linalg.norm(error[:3, 3]) < 0.03
        assert se3.rotation_angle_deg(error[:3, :3]) < 0.3


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_plane_is_no_obstacle_to_measured_depth(sensor):
    path = sideways(15)
    assert errors_m(run(wall(), path, sensor), path)[1].max() < 0.05


def test_unknown_depths_are_left_out():
    world, path = room(), sideways(10)
    generator = np.random.default_rng(0)
    sightings = []
    for T in path:
        features, depths_m = world.see(T)
        depths_m[generator.random(len(depths_m)) < 0.7] = np.nan
        sightings.append((features, depths_m))
    results = feed(make("rgbd"), sightings, "rgbd")
    assert errors_m(results, path)[1].max() < 0.05
    no_depth = [(features, np.full(len(features), np.nan)) for features, _ in sightings]
    for result in feed(make("rgbd"), no_depth, "rgbd"):
        assert result.state is State.INITIALISING


def test_stamps_must_increase():
    odometry, (features, depths_m) = make("rgbd"), room().see(np.eye(4))
    odometry.process(5, features, depths_m)
    for stamp_ns in (5, 4):
        with pytest.raises(ValueError, match=f"stamp is {stamp_ns} ns"):
            odometry.process(stamp_ns, features, depths_m)
    assert odometry.process(6, features, depths_m).state is State.TRACKING


def test_features_of_another_image_size_are_refused():
    odometry, (features, depths_m) = make("rgbd"), room().see(np.eye(4))
    with pytest.raises(ValueError, match="100"):
        odometry.process(1, replace(features, image_size=(100, 100)), depths_m)


def test_reset_begins_a_new_world():
    world, path = room(), sideways(10)
    odometry = make("rgbd")
    feed(odometry, [world.see(T) for T in path[:5]], "rgbd")
    odometry.reset()
    result = feed(odometry, [world.see(path[5])], "rgbd")[0]
    assert result.state is State.TRACKING
    np.testing.assert_array_equal(result.T_world_camera, np.eye(4))


def test_the_covariance_covers_the_error_of_a_step():
    path = sideways(40)
    results = run(room(), path, "rgbd")
    squared = []
    for index in range(5, 40):
        error = se3.log(se3.inverse(results[index].T_world_camera) @ path[index])
        squared.append(error @ np.linalg.solve(results[index].covariance, error))
    # Six degrees of freedom have a mean of 6; accept a factor of four on the careful side.
    assert 0.3 < np.mean(squared) < 24


def test_the_parallax_is_the_angle_that_the_rotation_leaves():
    points = np.random.default_rng(0).uniform([-2, -1.5, 4.9], [2, 1.5, 5.1], (400, 3))
    aside = se3.from_rotation_translation(
        se3.exp_so3(np.array([0.0, 0.03, 0.0])), np.array([0.5, 0.0, 0.0])
    )
    results = run(World(points), [np.eye(4), aside], "rgbd")
    assert results[1].parallax_deg == pytest.approx(np.degrees(0.5 / 5), rel=0.1)


def test_a_distorted_and_rectified_camera_reports_its_raw_frame():
    turn = se3.exp_so3(np.array([0.02, -0.05, 0.03]))
    P = np.column_stack([K, np.zeros(3)])
    camera = replace(
        CAMERA, distortion_model="plumb_bob", D=np.array([-0.2, 0.05, 1e-3, -1e-3]), R=turn, P=P
    )
    world, path = room(), sideways(15)
    odometry = VisualOdometry(OdometryConfig(sensor="rgbd"), MatcherConfig(), camera)
    results = []
    for index, T in enumerate(path):
        features, depths_m = world.see(T)
        ideal = features.keypoints.numpy().astype(np.float64)
        points = np.column_stack([to_plane(ideal, K), np.ones(len(ideal))]) * depths_m[:, None]
        raw = project_raw(points, camera).astype(np.float32)
        rectified_depths = (points @ turn.T)[:, 2]
        results.append(
            odometry.process(
                index, replace(features, keypoints=torch.from_numpy(raw)), rectified_depths
            )
        )
    assert errors_m(results, path)[1].max() < 0.02
    last = se3.inverse(path[-1]) @ results[-1].T_world_camera
    assert se3.rotation_angle_deg(last[:3, :3]) < 0.2


def test_match_and_estimate_are_the_two_halves_of_process():
    sightings = [room().see(T) for T in sideways(4)]
    whole = feed(make("rgbd"), sightings, "rgbd")
    odometry = make("rgbd")
    for index, (features, depths_m) in enumerate(sightings, 1):
        matches = odometry.match(features)
        result = odometry.estimate(index * FRAME_NS, features, matches, depths_m)
    np.testing.assert_array_equal(result.T_world_camera, whole[-1].T_world_camera)


def test_depths_of_the_wrong_number_are_refused():
    features, depths_m = room().see(np.eye(4))
    with pytest.raises(ValueError, match="one depth per keypoint"):
        make("rgbd").process(1, features, depths_m[:-1])


def test_stereo_without_its_right_camera_is_refused():
    with pytest.raises(ValueError, match="right_camera"):
        VisualOdometry(OdometryConfig(sensor="stereo"), MatcherConfig(), CAMERA)
