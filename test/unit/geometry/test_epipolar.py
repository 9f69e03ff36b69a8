import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project, to_plane
from aliked_ros.geometry.epipolar import (
    MIN_MATCHES,
    essential_matrix,
    estimate_homography,
    estimate_relative_pose,
    motions_of_homography,
    sampson_error_px,
    turn_sigma_deg,
)
from aliked_ros.geometry.vectors import homogeneous

K = np.array([[500.0, 0, 320.0], [0, 500.0, 240.0], [0, 0, 1]])
T_1_0 = se3.from_rotation_translation(
    Rotation.from_rotvec([0.02, -0.05, 0.01]).as_matrix(), np.array([0.6, 0.0, 0.8])
)


def scene(num=200, noise_px=0.0, plane=False, seed=0):
    generator = np.random.default_rng(seed)
    points0 = generator.uniform([-2, -1.5, 4], [2, 1.5, 9], size=(num, 3))
    if plane:
        points0[:, 2] = 6 + 0.4 * points0[:, 0] - 0.2 * points0[:, 1]
    pixels0 = project(points0, K) + generator.normal(0, noise_px, (num, 2))
    pixels1 = project(se3.transform(T_1_0, points0), K) + generator.normal(0, noise_px, (num, 2))
    return pixels0, pixels1


def direction_error_deg(T):
    return np.degrees(np.arccos(np.clip(T[:3, 3] @ T_1_0[:3, 3], -1, 1)))


def test_the_essential_matrix_vanishes_on_matched_points():
    pixels0, pixels1 = scene()
    x0, x1 = (homogeneous(to_plane(pixels, K)) for pixels in (pixels0, pixels1))
    np.testing.assert_allclose(((x1 @ essential_matrix(T_1_0)) * x0).sum(axis=1), 0, atol=1e-12)


def test_sampson_error_agrees_with_opencv():
    pixels0, pixels1 = scene(20, noise_px=2.0)
    K_inverse = np.linalg.inv(K)
    F = K_inverse.T @ essential_matrix(T_1_0) @ K_inverse
    squared = [
        cv2.sampsonDistance(np.append(a, 1.0), np.append(b, 1.0), F)
        for a, b in zip(pixels0, pixels1, strict=True)
    ]
    np.testing.assert_allclose(sampson_error_px(pixels0, pixels1, T_1_0, K) ** 2, squared)


def test_half_of_the_matches_may_be_wrong():
    pixels0, pixels1 = scene(300, noise_px=0.5)
    pixels1[:150] = np.random.default_rng(1).uniform([0, 0], [640, 480], size=(150, 2))
    motion = estimate_relative_pose(pixels0, pixels1, K, threshold_px=1.5, seed=0)
    assert motion.inlier_mask[150:].mean() > 0.95
    assert motion.inlier_mask[:150].mean() < 0.1
    assert se3.rotation_angle_deg(motion.T_1_0[:3, :3].T @ T_1_0[:3, :3]) < 0.2
    assert direction_error_deg(motion.T_1_0) < 2


def test_the_motion_agrees_with_opencv():
    pixels0, pixels1 = scene(noise_px=0.2)
    motion = estimate_relative_pose(pixels0, pixels1, K, threshold_px=1.0, seed=0)
    E, _ = cv2.findEssentialMat(pixels0, pixels1, K, cv2.USAC_MAGSAC, 0.999, 1.0)
    _, R, t, _ = cv2.recoverPose(E, pixels0, pixels1, K)
    assert se3.rotation_angle_deg(motion.T_1_0[:3, :3].T @ R) < 0.3
    assert motion.T_1_0[:3, 3] @ t.ravel() > np.cos(np.radians(3))


def test_the_same_seed_gives_the_same_motion():
    pixels0, pixels1 = scene(noise_px=1.0)
    first, second = (estimate_relative_pose(pixels0, pixels1, K, 1.0, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.T_1_0, second.T_1_0)


@pytest.mark.parametrize("num", [0, 4, MIN_MATCHES - 1])
def test_too_few_matches_give_no_motion(num):
    pixels = np.zeros((num, 2))
    assert estimate_relative_pose(pixels, pixels, K, 1.0, seed=0) is None
    assert estimate_homography(pixels, pixels, 1.0, seed=0) is None


def test_a_plane_allows_the_true_motion():
    pixels0, pixels1 = scene(plane=True)
    H_1_0, inlier_mask = estimate_homography(pixels0, pixels1, 1.0, seed=0)
    assert inlier_mask.all()
    motions = motions_of_homography(H_1_0, K)
    assert len(motions) == 4
    assert min(direction_error_deg(T) for T in motions) < 1e-3


def test_the_homography_of_a_rotation_has_no_translation():
    R = Rotation.from_rotvec([0.02, 0.1, 0.0]).as_matrix()
    assert motions_of_homography(K @ R @ np.linalg.inv(K), K) == []


@pytest.mark.parametrize("strip", [640.0, 160.0])
def test_how_well_a_turn_is_known_is_what_noise_makes_of_it(strip):
    R = T_1_0[:3, :3]
    errors_deg, claims_deg = [], []
    for seed in range(30):
        pixels0, pixels1 = scene(400, noise_px=0.5, seed=seed)
        is_seen = pixels0[:, 0] < np.quantile(pixels0[:, 0], strip / 640)
        pixels = pixels0[is_seen], pixels1[is_seen]
        motion = estimate_relative_pose(*pixels, K, threshold_px=3.0, seed=0)
        errors_deg.append(se3.rotation_angle_deg(motion.T_1_0[:3, :3] @ R.T))
        claims_deg.append(turn_sigma_deg(*pixels, motion.T_1_0, K))
    assert 0.6 < np.sqrt(np.mean(np.square(errors_deg))) / np.median(claims_deg) < 1.7


def test_a_turn_that_narrow_overlap_leaves_unknown_is_said_to_be():
    pixels0, pixels1 = scene(400, noise_px=0.5)
    is_seen = pixels0[:, 0] < np.quantile(pixels0[:, 0], 0.25)
    wide = turn_sigma_deg(pixels0, pixels1, T_1_0, K)
    narrow = turn_sigma_deg(pixels0[is_seen], pixels1[is_seen], T_1_0, K)
    assert narrow > 3 * wide
