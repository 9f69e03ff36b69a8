"""Matched pixels -> essential matrix or homography: relative pose, inliers, candidates."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import poselib

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import poselib_pinhole
from aliked_ros.geometry.matrices import covariance_of
from aliked_ros.structs import Array, Mask

# A share of 0.35 of true matches is found with 99.5 %; where nothing agrees the time is bounded.
_MAX_ITERATIONS = 1000
_STEP = 1e-5  # rad, of a difference quotient
MIN_MATCHES = 8  # five determine the essential matrix; the rest is what the answer is checked with


@dataclass(frozen=True, eq=False)
class RelativePose:
    """The motion between two views of a static scene, translation without scale.

    Attributes:
        T_1_0: (4, 4); |t_1_0| is 1.
        inlier_mask: (N,) bool, matches that agree with it.
    """

    T_1_0: Array
    inlier_mask: Mask


def essential_matrix(T_1_0: Array) -> Array:
    """Return E (3, 3) with x1^T E x0 = 0 for matched points on the planes z = 1."""
    return se3.skew(T_1_0[:3, 3]) @ T_1_0[:3, :3]


def sampson_error_px(pixels0: Array, pixels1: Array, T_1_0: Array, K: Array) -> Array:
    """Return the first-order distance (N,), px, of matches to the epipolar geometry.

    Args:
        pixels0: (N, 2) px in the rectified image 0.
        pixels1: (N, 2) px in the rectified image 1.
        T_1_0: (4, 4), translation of any non-zero length.
        K: (3, 3) intrinsics of both images, px.
    """
    return np.abs(_signed_sampson_error_px(pixels0, pixels1, T_1_0, K))


def turn_sigma_deg(pixels0: Array, pixels1: Array, T_1_0: Array, K: Array) -> float:
    """Return how well matches determine the rotation of a motion: standard deviation, degrees.

    First-order propagation of the matches' own distances to the epipolar geometry through all five
    degrees of freedom; the three axes are added.

    Args:
        pixels0: (N, 2) px in the rectified image 0.
        pixels1: (N, 2) px in the rectified image 1, row by row the same points.
        T_1_0: (4, 4) that fits them best, translation of unit length.
        K: (3, 3) intrinsics of both images, px.
    """

    def errors(change: Array) -> Array:
        T = T_1_0.copy()
        T[:3, :3] = se3.exp_so3(change[:3]) @ T[:3, :3]
        T[:3, 3] += change[3:] @ across
        return _signed_sampson_error_px(pixels0, pixels1, T, K)

    across = np.linalg.svd(T_1_0[None, :3, 3])[2][1:]  # (2, 3) directions that change t
    steps = _STEP * np.eye(5)
    jacobian = np.stack([errors(step) - errors(-step) for step in steps], axis=1) / (2 * _STEP)
    residuals = errors(np.zeros(5))
    variance_px = residuals @ residuals / max(len(residuals) - 5, 1)
    covariance = variance_px * covariance_of(jacobian.T @ jacobian)
    return float(np.degrees(np.sqrt(np.trace(covariance[:3, :3]))))


def _signed_sampson_error_px(pixels0: Array, pixels1: Array, T_1_0: Array, K: Array) -> Array:
    K_inverse = np.linalg.inv(K)
    F = K_inverse.T @ essential_matrix(T_1_0) @ K_inverse
    ones = np.ones((len(pixels0), 1))
    lines1 = np.hstack([pixels0, ones]) @ F.T  # (N, 3)
    lines0 = np.hstack([pixels1, ones]) @ F  # (N, 3)
    algebraic = (np.hstack([pixels1, ones]) * lines1).sum(axis=1)
    gradient = np.sqrt((lines0[:, :2] ** 2).sum(axis=1) + (lines1[:, :2] ** 2).sum(axis=1))
    return algebraic / np.maximum(gradient, 1e-12)


def estimate_relative_pose(
    pixels0: Array, pixels1: Array, K: Array, threshold_px: float, seed: int
) -> RelativePose | None:
    """Estimate the essential matrix by LO-RANSAC (five points) and return its motion.

    Args:
        pixels0: (N, 2) px in the rectified image 0.
        pixels1: (N, 2) px in the rectified image 1, row by row the same points.
        K: (3, 3) intrinsics of both images, px.
        threshold_px: largest Sampson error of an inlier.
        seed: of the random sampling; the same seed gives the same answer.

    Returns:
        None if there are fewer than MIN_MATCHES matches or inliers.
    """
    if len(pixels0) < MIN_MATCHES:
        return None
    camera = poselib_pinhole(K)
    options = {
        "max_epipolar_error": threshold_px,
        "seed": seed,
        "min_iterations": 100,
        "max_iterations": _MAX_ITERATIONS,
    }
    pose, info = poselib.estimate_relative_pose(pixels0, pixels1, camera, camera, options, {})
    inlier_mask = np.asarray(info["inliers"], dtype=bool)
    length = float(np.linalg.norm(pose.t))
    if inlier_mask.sum() < MIN_MATCHES or not length > 0:
        return None
    return RelativePose(se3.from_rotation_translation(pose.R, pose.t / length), inlier_mask)


def estimate_homography(
    pixels0: Array, pixels1: Array, threshold_px: float, seed: int
) -> tuple[Array, Mask] | None:
    """Estimate the homography of a plane (or of a pure rotation) by LO-RANSAC.

    Args:
        pixels0: (N, 2) px in image 0.
        pixels1: (N, 2) px in image 1, row by row the same points.
        threshold_px: largest transfer error of an inlier.
        seed: of the random sampling.

    Returns:
        H_1_0 (3, 3) and the inlier mask (N,); None if there are fewer than MIN_MATCHES.
    """
    if len(pixels0) < MIN_MATCHES:
        return None
    options = {
        "max_reproj_error": threshold_px,
        "seed": seed,
        "min_iterations": 100,
        "max_iterations": _MAX_ITERATIONS,
    }
    H_1_0, info = poselib.estimate_homography(pixels0, pixels1, options, {})
    inlier_mask = np.asarray(info["inliers"], dtype=bool)
    if inlier_mask.sum() < MIN_MATCHES:
        return None
    return np.asarray(H_1_0), inlier_mask


def motions_of_homography(H_1_0: Array, K: Array) -> list[Array]:
    """Return the motions T_1_0 (4, 4), unit translation, that a homography of a plane allows.

    Up to four; none if it is a pure rotation. Which one is right must be told by cheirality.
    """
    count, rotations, translations, _ = cv2.decomposeHomographyMat(H_1_0, K)
    motions = []
    for index in range(count):
        t = translations[index].ravel()
        length = float(np.linalg.norm(t))
        if length > 1e-9:
            motions.append(se3.from_rotation_translation(rotations[index], t / length))
    return motions
