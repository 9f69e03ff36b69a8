import numpy as np
import pytest

from aliked_ros.synthetic.path import LAP_S, pose_at


@pytest.mark.parametrize("time_s", [0.0, 3.3, 12.0])
def test_poses_are_rigid_with_the_optical_axes_the_right_way_round(time_s):
    T_world_camera = pose_at(time_s)
    R = T_world_camera[:3, :3]
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1.0)
    assert R[2, 1] < -0.9  # the camera's y points down, the world's z up
    assert abs(R[2, 0]) < 0.1


def test_the_lap_closes():
    np.testing.assert_allclose(pose_at(LAP_S, 0.3), pose_at(0.0, 0.3), atol=1e-12)
    np.testing.assert_allclose(pose_at(5.0), pose_at(0.0, 5.0 / LAP_S), atol=1e-12)
