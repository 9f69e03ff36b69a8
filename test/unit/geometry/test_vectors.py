import numpy as np
import pytest

from aliked_ros.geometry import se3
from aliked_ros.geometry.vectors import angles_rad, homogeneous, seen_from, unit, unproject

GENERATOR = np.random.default_rng(0)
XY = GENERATOR.uniform(-1, 1, (50, 2))
T_1_0 = se3.exp(np.array([0.3, -0.1, 0.2, 0.1, 0.2, -0.3]))


def test_rays_go_through_the_plane_in_front():
    rays = homogeneous(XY)
    np.testing.assert_array_equal(rays[:, 2], 1)
    np.testing.assert_allclose(np.linalg.norm(unit(rays), axis=1), 1)


def test_points_are_seen_from_another_view_over_their_depth():
    depth = GENERATOR.uniform(1, 9, 50)
    points0 = unproject(XY, 1 / depth)
    np.testing.assert_allclose(points0[:, 2], depth)
    expected = se3.transform(T_1_0, points0) / depth[:, None]
    np.testing.assert_allclose(seen_from(T_1_0, XY, 1 / depth), expected)


def test_points_at_infinity_are_only_turned():
    seen = seen_from(T_1_0, XY, np.zeros(50))
    np.testing.assert_allclose(seen, homogeneous(XY) @ T_1_0[:3, :3].T)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.3, np.pi / 2, np.pi])
def test_angles_are_exact_for_small_and_large_ones(angle):
    rays0 = np.array([[1.0, 0.0, 0.0]])
    rays1 = np.array([[np.cos(angle), np.sin(angle), 0.0]])
    assert angles_rad(rays0, rays1)[0] == pytest.approx(angle, rel=1e-6, abs=1e-15)
