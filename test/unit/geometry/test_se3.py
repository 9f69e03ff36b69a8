import numpy as np
import pytest
from scipy.linalg import expm, logm
from scipy.spatial.transform import Rotation

from aliked_ros.geometry import se3


def hat(xi):
    matrix = np.zeros((4, 4))
    matrix[:3, :3] = se3.skew(xi[3:])
    matrix[:3, 3] = xi[:3]
    return matrix


@pytest.mark.parametrize("length", [0.0, 1e-9, 1e-3, 1.0, 3.0])
def test_exp_is_the_matrix_exponential(length):
    xi = np.array([0.3, -1.2, 0.5, 0.6, -0.64, 0.48])  # rotation part of unit length
    xi[3:] *= length
    np.testing.assert_allclose(se3.exp(xi), expm(hat(xi)), atol=1e-12)


def test_log_is_the_matrix_logarithm():
    T = se3.from_rotation_translation(
        Rotation.from_rotvec([0.2, -0.9, 1.1]).as_matrix(), np.array([1.0, 2.0, -3.0])
    )
    np.testing.assert_allclose(hat(se3.log(T)), np.real(logm(T)), atol=1e-9)


def test_skew_times_vector_is_the_cross_product():
    v, w = np.array([1.0, -2.0, 3.0]), np.array([0.5, 4.0, -1.0])
    np.testing.assert_allclose(se3.skew(v) @ w, np.cross(v, w))


def test_transform_moves_points_from_b_to_a():
    T_a_b = se3.from_rotation_translation(
        Rotation.from_euler("z", 90, degrees=True).as_matrix(), np.array([1.0, 0.0, 0.0])
    )
    np.testing.assert_allclose(se3.transform(T_a_b, np.array([[1.0, 0, 0]])), [[1.0, 1.0, 0.0]])


def test_half_a_turn_has_an_angle_of_180_degrees():
    R = Rotation.from_euler("x", 180, degrees=True).as_matrix()
    assert se3.rotation_angle_deg(R) == pytest.approx(180)


@pytest.mark.parametrize(
    "T",
    [
        np.diag([2.0, 1, 1, 1]),
        np.diag([1.0, -1, 1, 1]),
        np.full((4, 4), np.nan),
        np.diag([1.0, 1, 1, 2]),
    ],
)
def test_a_motion_that_is_not_rigid_is_refused_by_name(T):
    with pytest.raises(ValueError, match=r"T_BS is .* no rigid motion"):
        se3.checked(T, "T_BS")


def test_a_motion_written_with_few_digits_is_rigid():
    T = np.round(se3.exp(np.array([1.0, 2, 3, 0.3, 0.2, -0.1])), 3)
    np.testing.assert_array_equal(se3.checked(T, "T"), T)
