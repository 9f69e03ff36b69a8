import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from aliked_ros.geometry.quaternions import to_quaternions, to_rotations

HALF_TURNS = [np.diag(signs) for signs in ([1.0, -1, -1], [-1.0, 1, -1], [-1.0, -1, 1])]
RANDOM = Rotation.random(200, random_state=0).as_matrix()
NEAR_ZERO = Rotation.from_rotvec(1e-9 * np.eye(3)).as_matrix()
NEAR_PI = Rotation.from_rotvec((np.pi - 1e-9) * np.eye(3)).as_matrix()
ALL = np.concatenate([RANDOM, HALF_TURNS, NEAR_ZERO, NEAR_PI, np.eye(3)[None]])


def test_quaternions_are_those_of_scipy():
    found, expected = to_quaternions(ALL), Rotation.from_matrix(ALL).as_quat()
    np.testing.assert_allclose(np.abs((found * expected).sum(axis=1)), 1, atol=1e-15)
    np.testing.assert_allclose(found[: len(RANDOM)], expected[: len(RANDOM)], atol=1e-15)


def test_rotations_are_those_of_scipy_whatever_the_length():
    quaternions = np.random.default_rng(0).normal(size=(100, 4))
    expected = Rotation.from_quat(quaternions).as_matrix()
    np.testing.assert_allclose(to_rotations(quaternions), expected, atol=1e-15)


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3)])
def test_there_and_back_is_the_same_for_any_number_of_them(shape):
    rotations = RANDOM[: int(np.prod(shape))].reshape(*shape, 3, 3)
    quaternions = to_quaternions(rotations)
    assert quaternions.shape == (*shape, 4)
    np.testing.assert_allclose(to_rotations(quaternions), rotations, atol=1e-14)
