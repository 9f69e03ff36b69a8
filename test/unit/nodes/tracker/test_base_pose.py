from types import SimpleNamespace

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.tracker.base_pose import base_pose
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, State

COVARIANCE = np.diag([1.0, 2, 3, 4, 5, 6])


def result(state=State.TRACKING, forward=2.0):
    T_world_camera = np.eye(4)
    T_world_camera[2, 3] = forward
    return SimpleNamespace(
        stamp_ns=7, state=state, T_world_camera=T_world_camera, covariance=COVARIANCE
    )


def test_the_base_goes_forward_where_the_camera_looks():
    pose = base_pose(result(), Placement(T_BODY_OPTICAL, np.eye(4)), None)
    np.testing.assert_allclose(pose.T_odom_base[:3, 3], [2, 0, 0], atol=1e-12)
    assert (pose.stamp_ns, pose.is_measured, pose.increment_covariance) == (7, True, None)
    # Right, down, forward of the camera are -y, -z, x of the base.
    np.testing.assert_allclose(np.diag(pose.covariance), [3, 1, 2, 6, 4, 5], atol=1e-12)


def test_a_pose_that_is_only_held_is_uncertain():
    pose = base_pose(result(State.LOST), Placement(T_BODY_OPTICAL, np.eye(4)), None)
    assert not pose.is_measured
    np.testing.assert_array_equal(pose.covariance, UNKNOWN_COVARIANCE)


def test_an_uncertain_scale_makes_the_way_uncertain():
    placement = Placement(T_BODY_OPTICAL, np.eye(4))
    placement.rescale(0.5, 0.05, None)
    pose = base_pose(result(), placement, COVARIANCE)
    np.testing.assert_allclose(pose.T_odom_base[:3, 3], [1, 0, 0], atol=1e-12)
    assert np.isclose(pose.covariance[0, 0], 3 * 0.5**2 + 0.1**2)
    np.testing.assert_allclose(np.diag(pose.increment_covariance)[:3], [0.75, 0.25, 0.5])


def test_an_uncertain_start_makes_every_pose_uncertain():
    turned = np.eye(4)
    turned[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    start = np.diag([100.0, 1, 1, 1, 1, 1])  # along x of odom, which is -y of the base
    placement = Placement(T_BODY_OPTICAL, turned)
    plain = base_pose(result(), placement, None)
    pose = base_pose(result(), placement, None, start)
    added = np.diag(pose.covariance - plain.covariance)
    np.testing.assert_allclose(added, [1, 100, 1, 1, 1, 1], atol=1e-9)
    np.testing.assert_allclose(pose.covariance_odom() - plain.covariance_odom(), start, atol=1e-9)
    held = base_pose(result(State.LOST), placement, None, start)
    np.testing.assert_array_equal(held.covariance, UNKNOWN_COVARIANCE)


def test_covariances_turn_with_the_base():
    turned = np.eye(4)
    turned[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]  # the base looks along y of odom
    pose = base_pose(result(forward=0.0), Placement(T_BODY_OPTICAL, turned), None)
    np.testing.assert_allclose(se3.inverse(turned) @ pose.T_odom_base, np.eye(4), atol=1e-12)
    assert np.isclose(pose.covariance_odom()[1, 1], pose.covariance[0, 0])
