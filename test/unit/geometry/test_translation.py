import numpy as np
import pytest

from aliked_ros.geometry import se3
from aliked_ros.geometry.translation import estimate_translation

T_1_0 = se3.exp(np.array([0.3, -0.1, 0.6, 0.02, -0.08, 0.03]))
NOISE = 1e-3  # of a xy coordinate


def scene(num, seed=0, noise=NOISE):
    """Points (num, 3) of view 0 and where view 1 sees them."""
    generator = np.random.default_rng(seed)
    points0 = generator.uniform([-3, -2, 2], [3, 2, 15], size=(num, 3))
    points1 = se3.transform(T_1_0, points0)
    return points0, points1[:, :2] / points1[:, 2:] + generator.normal(0, noise, (num, 2))


@pytest.mark.parametrize("num", [3, 8, 50])
def test_the_translation_is_found_by_its_rotation(num):
    points0, xy1 = scene(num, noise=0)
    T, is_inlier = estimate_translation(T_1_0[:3, :3], points0, xy1, 0.005, 0)
    np.testing.assert_allclose(T, T_1_0, atol=1e-6)
    assert is_inlier.all()


def test_the_translation_is_found_among_wrong_matches_by_a_rotation_that_is_a_little_off():
    points0, xy1 = scene(20)
    wrong = np.random.default_rng(1).uniform(-0.7, 0.7, (10, 2))
    off = se3.exp_so3(np.radians(0.3) * np.array([0.6, 0.8, 0.0]))
    seen = np.vstack([wrong, xy1[10:]])
    T, is_inlier = estimate_translation(off @ T_1_0[:3, :3], points0, seen, 0.015, 0)
    assert is_inlier[10:].sum() >= 9
    assert is_inlier[:10].sum() <= 1
    assert np.linalg.norm(T[:3, 3] - T_1_0[:3, 3]) < 0.1


def test_one_point_gives_no_translation():
    points0, xy1 = scene(1)
    assert estimate_translation(np.eye(3), points0, xy1, 0.01, 0) is None
