import numpy as np
import pytest
import torch
from point_world import CAMERA, FRAME_NS, nothing, room, sideways

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.orientation import Agreement, OrientationBuffer
from aliked_ros.odometry.result import State
from aliked_ros.odometry.visual_odometry import VisualOdometry

CONFIG = OdometryConfig(sensor="rgbd")
MATCHER = MatcherConfig(min_similarity=0.9)
# The frame of the inertial sensor has nothing to do with the world.
R_INERTIAL_WORLD = se3.exp_so3(np.array([0.4, -1.0, 2.0]))
MS = 1_000_000


def about_z(angle_rad):
    return se3.exp_so3(np.array([0.0, 0.0, angle_rad]))


def test_orientations_are_interpolated_and_never_extrapolated():
    buffer = OrientationBuffer()
    assert buffer.at(0) is None
    for index in range(5):
        buffer.add((10 + index) * 10 * MS, about_z(0.1 * index))
    assert buffer.at(99 * MS) is None
    np.testing.assert_allclose(buffer.at(100 * MS), about_z(0.0), atol=1e-12)
    np.testing.assert_allclose(buffer.at(115 * MS), about_z(0.15), atol=1e-12)
    np.testing.assert_allclose(buffer.at(140 * MS), about_z(0.4), atol=1e-12)
    assert buffer.at(141 * MS) is None
    buffer.add(150 * MS, about_z(0.5))
    np.testing.assert_allclose(buffer.at(141 * MS), about_z(0.41), atol=1e-12)


def test_the_shorter_way_round_is_taken():
    buffer = OrientationBuffer()
    buffer.add(0, about_z(np.pi - 0.1))
    buffer.add(10 * MS, about_z(-np.pi + 0.1))
    np.testing.assert_allclose(buffer.at(5 * MS), about_z(np.pi), atol=1e-12)


def test_a_gap_is_not_bridged():
    buffer = OrientationBuffer(max_gap_s=0.1)
    buffer.add(0, np.eye(3))
    buffer.add(200 * MS, about_z(1.0))
    assert buffer.at(100 * MS) is None
    np.testing.assert_allclose(buffer.at(200 * MS), about_z(1.0))


def test_late_orientations_are_dropped_and_counted_and_a_recording_may_start_over():
    buffer = OrientationBuffer()
    for stamp_ms in (5000, 5010, 5010, 5005, 5020):
        buffer.add(stamp_ms * MS, np.eye(3))
    assert buffer.num_dropped == 2
    buffer.add(0, about_z(1.0))
    assert buffer.num_dropped == 2
    np.testing.assert_allclose(buffer.at(0), about_z(1.0))


def run(orientations, thinned=()):
    """Track a walk; return the results. In the frames of `thinned` few points are seen."""
    world, odometry = room(), VisualOdometry(CONFIG, MATCHER, CAMERA)
    results = []
    for index, (T, R) in enumerate(zip(sideways(12), orientations, strict=True)):
        features, depths_m = world.see(T)
        if index in thinned:
            features, depths_m = features.select(torch.arange(len(features)) < 14), depths_m[:14]
        results.append(odometry.process(index * FRAME_NS, features, depths_m, R))
    return results


def test_an_image_of_few_points_is_tracked_if_its_orientation_is_known():
    measured = [R_INERTIAL_WORLD @ T[:3, :3] for T in sideways(12)]
    assert run([None] * 12, thinned=(6,))[6].state is State.LOST
    helped = run(measured, thinned=(6,))
    assert {result.state for result in helped} == {State.TRACKING}
    assert helped[6].num_inliers < CONFIG.min_inliers
    off = se3.inverse(sideways(12)[6]) @ helped[6].T_world_camera
    assert np.linalg.norm(off[:3, 3]) < 0.03
    expected = 3 * np.sqrt(np.diag(helped[6].covariance)[:3])
    assert (np.abs(off[:3, 3]) < expected).all()


def test_without_a_pair_of_orientations_nothing_changes():
    nobody = run([None] * 12)
    once = run([None] * 5 + [np.eye(3)] + [None] * 6)
    for one, other in zip(nobody, once, strict=True):
        np.testing.assert_array_equal(one.T_world_camera, other.T_world_camera)
        np.testing.assert_array_equal(one.covariance, other.covariance)


def test_the_odometry_is_surer_of_its_rotation_and_no_worse():
    measured = [R_INERTIAL_WORLD @ T[:3, :3] for T in sideways(12)]
    helped, alone = run(measured)[-1], run([None] * 12)[-1]
    truth = sideways(12)[-1]
    for result in (helped, alone):
        assert np.linalg.norm(se3.log(se3.inverse(truth) @ result.T_world_camera)[:3]) < 0.01
    assert (np.diag(helped.covariance)[3:] < np.diag(alone.covariance)[3:]).all()


def test_sensor_and_images_are_compared():
    path, agreement, crooked = sideways(60, 0.5), Agreement(), Agreement()
    mount = se3.exp_so3(np.array([0.0, 0.0, np.pi / 2]))
    for T in path:
        R = T[:3, :3]
        agreement.add(R_INERTIAL_WORLD @ R, R)
        crooked.add(R_INERTIAL_WORLD @ R @ mount, R)
    assert agreement.difference_deg == pytest.approx(0, abs=1e-5)
    assert crooked.difference_deg > 0.5
    agreement.forget()
    assert agreement.difference_deg is None
    for T in path[:50]:  # every second image without an orientation: no turn to compare
        agreement.add(T[:3, :3], T[:3, :3])
        agreement.add(None, T[:3, :3])
    assert agreement.difference_deg is None


def test_an_image_without_keypoints_is_lost_with_a_prior_too():
    odometry = VisualOdometry(CONFIG, MATCHER, CAMERA)
    features, depths_m = room().see(np.eye(4))
    odometry.process(0, features, depths_m, np.eye(3))
    features, depths_m = nothing()
    result = odometry.process(FRAME_NS, features, depths_m, np.eye(3))
    assert result.state is State.LOST
