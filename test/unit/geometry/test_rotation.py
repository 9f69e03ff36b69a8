import numpy as np
from scipy.spatial.transform import Rotation

from aliked_ros.geometry import se3
from aliked_ros.geometry.rotation import align_rays, estimate_rotation
from aliked_ros.geometry.vectors import angles_rad

R_1_0 = Rotation.from_rotvec([0.1, -0.2, 0.05]).as_matrix()


def rays(num, seed=0):
    directions = np.random.default_rng(seed).uniform([-0.7, -0.5, 1], [0.7, 0.5, 1], (num, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def noisy(directions, sigma_rad, seed=1):
    moved = directions + np.random.default_rng(seed).normal(0, sigma_rad, directions.shape)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def test_half_of_the_rays_may_be_wrong():
    rays0 = rays(200)
    rays1 = noisy(rays0 @ R_1_0.T, 5e-4)
    rays1[:100] = rays(100, seed=2)
    R, inlier_mask = estimate_rotation(rays0, rays1, threshold_rad=3e-3, seed=0)
    assert se3.rotation_angle_deg(R.T @ R_1_0) < 0.02
    assert inlier_mask[100:].mean() > 0.95
    assert inlier_mask[:100].mean() < 0.05


def test_alignment_agrees_with_scipy():
    rays0 = rays(50)
    rays1 = noisy(rays0 @ R_1_0.T, 1e-2)
    expected, _ = Rotation.align_vectors(rays1, rays0)
    np.testing.assert_allclose(align_rays(rays0, rays1), expected.as_matrix(), atol=1e-9)


def test_fewer_than_two_rays_give_no_rotation():
    assert estimate_rotation(rays(1), rays(1), 1e-3, seed=0) is None


def test_two_copies_of_one_ray_give_a_finite_rotation():
    same = np.repeat(rays(1), 2, axis=0)
    R, inlier_mask = estimate_rotation(same, same, 1e-3, seed=0)
    assert np.isfinite(R).all()
    assert inlier_mask.all()


def test_angles_are_exact_down_to_nanoradians():
    turned = np.array([[np.sin(1e-9), 0.0, np.cos(1e-9)]])
    np.testing.assert_allclose(angles_rad(turned, np.array([[0, 0, 1.0]])), 1e-9, rtol=1e-6)
