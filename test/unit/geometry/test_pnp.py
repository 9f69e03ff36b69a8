import cv2
import numpy as np
import poselib
import pytest
from scipy.spatial.transform import Rotation

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project
from aliked_ros.geometry.pnp import MIN_POINTS, estimate_absolute_pose

K = np.array([[500.0, 0, 320.0], [0, 510.0, 240.0], [0, 0, 1]])
T_CAMERA_WORLD = se3.from_rotation_translation(
    Rotation.from_rotvec([0.3, -0.2, 0.1]).as_matrix(), np.array([0.2, -0.1, 0.7])
)


def scene(num=200, noise_px=0.0):
    generator = np.random.default_rng(0)
    points = generator.uniform([-2, -1.5, 3], [2, 1.5, 9], size=(num, 3))
    pixels = project(se3.transform(T_CAMERA_WORLD, points), K)
    return points, pixels + generator.normal(0, noise_px, pixels.shape)


def test_exact_points_give_the_exact_pose():
    T, inlier_mask = estimate_absolute_pose(*scene(), K, threshold_px=1.0, seed=0)
    np.testing.assert_allclose(T, T_CAMERA_WORLD, atol=1e-6)
    assert inlier_mask.all()


def test_half_of_the_points_may_be_wrong():
    points, pixels = scene(noise_px=0.5)
    pixels[::2] = np.random.default_rng(1).uniform([0, 0], [640, 480], size=(100, 2))
    T, inlier_mask = estimate_absolute_pose(points, pixels, K, threshold_px=2.0, seed=0)
    assert inlier_mask[1::2].all()
    assert inlier_mask[::2].mean() < 0.1
    assert np.linalg.norm(T[:3, 3] - T_CAMERA_WORLD[:3, 3]) < 0.02


def test_the_pose_agrees_with_opencv():
    points, pixels = scene(noise_px=0.5)
    T, _ = estimate_absolute_pose(points, pixels, K, threshold_px=3.0, seed=0)
    _, rotation, translation = cv2.solvePnP(points, pixels, K, None)
    assert se3.rotation_angle_deg(T[:3, :3].T @ se3.exp_so3(rotation.ravel())) < 0.02
    np.testing.assert_allclose(T[:3, 3], translation.ravel(), atol=3e-3)


@pytest.mark.parametrize("num", [0, MIN_POINTS - 1])
def test_too_few_points_give_no_pose(num):
    assert estimate_absolute_pose(*scene(num), K, 1.0, seed=0) is None


def test_points_that_fit_no_pose_support_none():
    points, pixels = scene()
    shuffled = np.random.default_rng(3).permutation(pixels)
    answer = estimate_absolute_pose(points, shuffled, K, threshold_px=1.0, seed=0)
    num_inliers = 0 if answer is None else answer[1].sum()
    assert num_inliers < 0.1 * len(points)


def test_where_nothing_agrees_the_search_is_bounded(monkeypatch):
    asked = []

    def estimate(pixels, points, camera, options, refinement):
        asked.append(options["max_iterations"])
        return original(pixels, points, camera, options, refinement)

    original = poselib.estimate_absolute_pose
    monkeypatch.setattr(poselib, "estimate_absolute_pose", estimate)
    generator = np.random.default_rng(0)
    points = generator.uniform([-2, -2, 2], [2, 2, 8], (200, 3))
    estimate_absolute_pose(points, generator.uniform(0, 480, (200, 2)), K, 3.0, 0)
    assert asked == [1000]
