import numpy as np
import pytest

pytest.importorskip("geometry_msgs", reason="ROS is not installed: run make install")

from scipy.spatial.transform import Rotation

from aliked_ros.nodes.base.conversions.poses import (
    pose_to_message,
    transform_from_message,
    transform_from_pose,
    transform_from_values,
    transform_to_message,
)

T_A_B = np.eye(4)
T_A_B[:3, :3] = Rotation.from_euler("xyz", [10, -40, 170], degrees=True).as_matrix()
T_A_B[:3, 3] = [1.0, -2.0, 0.5]


def test_poses_and_transforms_come_back_as_they_were():
    np.testing.assert_allclose(transform_from_pose(pose_to_message(T_A_B)), T_A_B, atol=1e-12)
    again = transform_from_message(transform_to_message(T_A_B))
    np.testing.assert_allclose(again, T_A_B, atol=1e-12)


def test_numbers_are_position_and_quaternion():
    half = np.sqrt(0.5)
    T = transform_from_values([1, 2, 3, 0, 0, half, half])
    np.testing.assert_allclose(T[:3, 3], [1, 2, 3])
    np.testing.assert_allclose(T[:3, :3] @ [1, 0, 0], [0, 1, 0], atol=1e-12)
