import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from aliked_ros.geometry import se3
from aliked_ros.geometry.triangulation import depth_ratio, inverse_depth_from_motion, parallax_deg
from aliked_ros.geometry.vectors import homogeneous

T_1_0 = se3.from_rotation_translation(
    Rotation.from_rotvec([0.02, -0.05, 0.01]).as_matrix(), np.array([0.5, 0.1, -0.2])
)


def scene(num=100, seed=0):
    points0 = np.random.default_rng(seed).uniform([-2, -1.5, 3], [2, 1.5, 9], size=(num, 3))
    points1 = se3.transform(T_1_0, points0)
    return points0, points0[:, :2] / points0[:, 2:], points1[:, :2] / points1[:, 2:]


def test_exact_matches_give_the_exact_depth():
    points0, x0, x1 = scene()
    inverse_depth, _ = inverse_depth_from_motion(x0, x1, T_1_0, noise=1e-3)
    np.testing.assert_allclose(1 / inverse_depth, points0[:, 2], rtol=1e-9)


def test_noisy_depth_agrees_with_opencv():
    _, x0, x1 = scene()
    x1 = x1 + np.random.default_rng(1).normal(0, 1e-4, x1.shape)
    points = cv2.triangulatePoints(np.eye(4)[:3], T_1_0[:3], x0.T, x1.T)
    inverse_depth, sigma = inverse_depth_from_motion(x0, x1, T_1_0, noise=1e-4)
    assert (np.abs(inverse_depth - points[3] / points[2]) < sigma).all()


def test_sigma_is_the_spread_of_the_inverse_depth():
    noise = 5e-4
    points0, x0, x1 = scene(1)
    generator = np.random.default_rng(2)
    x0, x1 = (np.repeat(x, 20_000, axis=0) for x in (x0, x1))
    noisy0, noisy1 = (x + generator.normal(0, noise, x.shape) for x in (x0, x1))
    inverse_depth, sigma = inverse_depth_from_motion(noisy0, noisy1, T_1_0, noise)
    np.testing.assert_allclose(inverse_depth.std(), sigma.mean(), rtol=0.1)
    np.testing.assert_allclose(inverse_depth.mean(), 1 / points0[0, 2], atol=sigma.mean() / 20)


def test_without_translation_the_depth_is_unknown():
    _, x0, _ = scene(3)
    T = T_1_0.copy()
    T[:3, 3] = 0
    rotated = homogeneous(x0) @ T[:3, :3].T
    inverse_depth, sigma = inverse_depth_from_motion(x0, rotated[:, :2] / rotated[:, 2:], T, 1e-3)
    assert np.isfinite(inverse_depth).all()
    assert (sigma > 1e100).all()


def test_a_point_behind_view_1_has_a_negative_depth_ratio():
    T = np.eye(4)
    T[2, 3] = -5.0  # view 1 stands 5 ahead of view 0
    ratio = depth_ratio(1 / np.array([4.0, 10.0]), np.zeros((2, 2)), T)
    np.testing.assert_allclose(ratio, [-0.25, 0.5])


def test_parallax_is_what_the_rotation_leaves():
    R_1_0 = Rotation.from_rotvec([0.0, 0.3, 0.0]).as_matrix()
    ray0 = np.array([[0.0, 0.0, 1.0]])
    ray1 = ray0 @ (R_1_0 @ Rotation.from_euler("x", 2, degrees=True).as_matrix()).T
    np.testing.assert_allclose(parallax_deg(ray0, ray1, R_1_0), [2.0])
