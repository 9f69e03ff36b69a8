"""Matches and a known relative pose -> estimated pose, its error, and the AUC of many pairs.

As in SuperGlue (Sarlin et al. 2020): the error of a pair is the larger one of the rotation's angle
and the angle between the translations' directions, the latter up to sign; a pair without an
estimate fails. AUC@t is the area under the curve "share of pairs with an error up to e" over e from
0 to t, divided by t. Precision is the share of matches whose squared symmetric epipolar distance on
the planes z = 1 is below 5e-4.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import poselib

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import poselib_pinhole, to_plane
from aliked_ros.geometry.epipolar import essential_matrix
from aliked_ros.structs import Array

AUC_THRESHOLDS_DEG = (5, 10, 20)
ESTIMATORS = ("opencv", "poselib")
_CONFIDENCE = 0.99999
_MAX_EPIPOLAR_DISTANCE = 5e-4


def estimate_motion(
    pixels: tuple[Array, Array],
    K: tuple[Array, Array],
    estimator: str,
    threshold_px: float,
    seed: int = 0,
) -> Array | None:
    """Return T_1_0 (4, 4), unit translation, or None where there is no estimate.

    Args:
        pixels: (N, 2) px in image 0 and the same points (N, 2) px in image 1.
        K: (3, 3) intrinsics of image 0 and of image 1, px.
        estimator: "opencv": five points, RANSAC; "poselib": five points, LO-RANSAC and refinement.
        threshold_px: largest epipolar error of an inlier.
        seed: of PoseLib's random sampling; OpenCV's draws are always the same.
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator is {estimator!r}: must be one of {', '.join(ESTIMATORS)}")
    if len(pixels[0]) < 5:
        return None
    # Random sampling draws row numbers: rows in raster order make the draws comparable.
    order = np.lexsort(np.round(pixels[0]).T)
    ordered = pixels[0][order], pixels[1][order]
    if estimator == "opencv":
        return _by_opencv(ordered, K, threshold_px)
    return _by_poselib(ordered, K, threshold_px, seed)


def _by_opencv(
    pixels: tuple[Array, Array], K: tuple[Array, Array], threshold_px: float
) -> Array | None:
    rays0, rays1 = (to_plane(p, k) for p, k in zip(pixels, K, strict=True))
    focal_px = float(np.mean([K[0][0, 0], K[0][1, 1], K[1][0, 0], K[1][1, 1]]))
    candidates, mask = cv2.findEssentialMat(
        rays0, rays1, np.eye(3), method=cv2.RANSAC, prob=_CONFIDENCE,
        threshold=threshold_px / focal_px,
    )  # fmt: skip
    if candidates is None or candidates.shape[0] % 3:
        return None
    best: Array | None = None
    most = 0
    for E in np.split(candidates, len(candidates) // 3):
        # Far points are as good as near ones here: no limit on their distance.
        count, R, t, _ = cv2.recoverPose(E, rays0, rays1, np.eye(3), 1e9, mask=mask.copy())[:4]
        if count > most:
            most, best = count, se3.from_rotation_translation(R, t.ravel())
    return best


def _by_poselib(
    pixels: tuple[Array, Array], K: tuple[Array, Array], threshold_px: float, seed: int
) -> Array | None:
    options = {"max_epipolar_error": threshold_px, "seed": seed, "success_prob": _CONFIDENCE}
    cameras = poselib_pinhole(K[0]), poselib_pinhole(K[1])
    pose, info = poselib.estimate_relative_pose(*pixels, *cameras, options, {})
    length = float(np.linalg.norm(pose.t))
    if info["num_inliers"] < 5 or not length > 0:
        return None
    return se3.from_rotation_translation(pose.R, pose.t / length)


def pose_error_deg(T_1_0: Array, estimate: Array | None) -> float:
    """Return the larger error of rotation and direction of a (4, 4), deg; infinite for None.

    A pair whose true translation is zero has no direction: its rotation alone counts.
    """
    if estimate is None:
        return float("inf")
    rotation_deg = se3.rotation_angle_deg(T_1_0[:3, :3].T @ estimate[:3, :3])
    lengths = np.linalg.norm(T_1_0[:3, 3]) * np.linalg.norm(estimate[:3, 3])
    if lengths < 1e-12:
        return rotation_deg
    cosine = abs(float(T_1_0[:3, 3] @ estimate[:3, 3])) / float(lengths)
    return max(rotation_deg, float(np.degrees(np.arccos(min(cosine, 1.0)))))


def pose_auc(errors_deg: Sequence[float], threshold_deg: float) -> float:
    """Return the area under the recall curve up to a threshold, as a share in [0, 1]."""
    errors = np.sort(np.asarray(errors_deg, np.float64))
    if len(errors) == 0:
        return 0.0
    num_within = int(np.searchsorted(errors, threshold_deg))
    recall = np.concatenate([[0.0], np.arange(1, num_within + 1) / len(errors)])
    positions = np.concatenate([[0.0], errors[:num_within], [threshold_deg]])
    heights = np.append(recall, recall[-1])
    widths = np.diff(positions)
    return float((widths * (heights[:-1] + heights[1:]) / 2).sum() / threshold_deg)


def matching_precision(pixels: tuple[Array, Array], K: tuple[Array, Array], T_1_0: Array) -> float:
    """Return the share of matches, two (N, 2) px, that agree with T_1_0 (4, 4); 0 without any."""
    if len(pixels[0]) == 0 or np.linalg.norm(T_1_0[:3, 3]) < 1e-12:
        return 0.0
    ones = np.ones((len(pixels[0]), 1))
    rays0, rays1 = (np.hstack([to_plane(p, k), ones]) for p, k in zip(pixels, K, strict=True))
    unit = T_1_0.copy()
    unit[:3, 3] /= np.linalg.norm(T_1_0[:3, 3])
    E = essential_matrix(unit)
    lines1, lines0 = rays0 @ E.T, rays1 @ E
    residuals = (rays1 * lines1).sum(axis=1) ** 2
    squared = residuals * (
        1 / (lines0[:, :2] ** 2).sum(axis=1) + 1 / (lines1[:, :2] ** 2).sum(axis=1)
    )
    return float((squared < _MAX_EPIPOLAR_DISTANCE).mean())
