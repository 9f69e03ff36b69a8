"""Two views of a single camera -> the first motion with depths, or why there is none yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry.epipolar import (
    estimate_homography,
    estimate_relative_pose,
    motions_of_homography,
    sampson_error_px,
)
from aliked_ros.geometry.rotation import estimate_rotation
from aliked_ros.geometry.triangulation import (
    depth_ratio,
    homogeneous,
    inverse_depth_from_motion,
    parallax_deg,
)
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.view import View

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Pairs = NDArray[np.int64]

_MIN_POINTS = 40  # landmarks to begin with
_STILL_PX = 1.0  # median displacement of the keypoints of a camera that stands still
# Part of the matches that a rotation (a homography) alone may explain before the scene is taken
# for one without parallax (for a plane).
_ROTATION_SHARE = 0.6
_PLANE_SHARE = 0.9
_MIN_IN_FRONT = 0.8  # part of the inliers that the right motion puts in front of both cameras
_MAX_RIVAL = 0.8  # part of the best motion's points that the second best may explain


@dataclass(frozen=True)
class Initialisation:
    """How far the initialisation has come.

    Attributes:
        kind: of the motion between the views.
        parallax_deg: median parallax of the matches that agree with the motion.
        reason: why there is no motion yet; empty if there is one.
        T_1_0: (4, 4) with unit translation, or None.
        inlier_mask: (K,) bool, pairs that agree with the motion.
    """

    kind: Motion
    parallax_deg: float
    reason: str
    T_1_0: Array | None
    inlier_mask: Mask


def initialise(
    view0: View, view1: View, pairs: Pairs, K: Array, config: OdometryConfig
) -> Initialisation:
    """Find the motion between two views, or say what is missing.

    Args:
        view0: reference.
        view1: current.
        pairs: (K, 2) int64, matched keypoints of view 0 and view 1.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds and noise.
    """
    none = np.zeros(len(pairs), dtype=bool)
    if len(pairs) < _MIN_POINTS:
        reason = f"only {len(pairs)} matches with the reference image, {_MIN_POINTS} are needed"
        return Initialisation(Motion.UNKNOWN, 0.0, reason, None, none)
    still = _without_translation(view0, view1, pairs, K, config)
    if still is not None:
        return still
    threshold = config.ransac_threshold_px
    pixels0, pixels1 = view0.pixels[pairs[:, 0]], view1.pixels[pairs[:, 1]]
    motion = estimate_relative_pose(pixels0, pixels1, K, threshold, config.seed)
    if motion is None or motion.inlier_mask.sum() < _MIN_POINTS:
        reason = "the matches do not agree on a motion"
        return Initialisation(Motion.UNKNOWN, 0.0, reason, None, none)
    candidates = [motion.T_1_0]
    plane = estimate_homography(pixels0, pixels1, threshold, config.seed)
    if plane is not None and plane[1].sum() > _PLANE_SHARE * motion.inlier_mask.sum():
        # On a plane the essential matrix has two answers that fit equally well.
        candidates = motions_of_homography(plane[0], K) or candidates
    return _choose(candidates, view0, view1, pairs, K, config)


def _without_translation(
    view0: View, view1: View, pairs: Pairs, K: Array, config: OdometryConfig
) -> Initialisation | None:
    """Return the answer if the camera stands still or only turns; None if there is parallax."""
    rays0, rays1 = _rays(view0, pairs[:, 0]), _rays(view1, pairs[:, 1])
    fitted = estimate_rotation(rays0, rays1, config.ransac_threshold_px / K[0, 0], config.seed)
    if fitted is None:
        return None
    R_1_0, inlier_mask = fitted
    moved = np.linalg.norm(view1.pixels[pairs[:, 1]] - view0.pixels[pairs[:, 0]], axis=1)
    parallax = float(np.median(parallax_deg(rays0, rays1, R_1_0)))
    if np.median(moved) < _STILL_PX:
        kind, reason = Motion.NONE, "the camera stands still; a single one needs to move sideways"
    elif inlier_mask.mean() > _ROTATION_SHARE:
        kind, reason = Motion.ROTATION, "the camera only turns; a single one needs to move sideways"
    else:
        return None
    return Initialisation(kind, parallax, reason, None, inlier_mask)


def _rays(view: View, index: NDArray[np.int64]) -> Array:
    rays = homogeneous(view.normalised[index])
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _choose(
    candidates: list[Array],
    view0: View,
    view1: View,
    pairs: Pairs,
    K: Array,
    config: OdometryConfig,
) -> Initialisation:
    """Return the motion that puts the points in front of both cameras, if one clearly does."""
    fits = [_fit(T_1_0, view0, view1, pairs, K, config) for T_1_0 in candidates]
    support = np.array([fit.sum() for _, fit in fits])
    best = int(support.argmax())
    T_1_0, inlier_mask = candidates[best], fits[best][1]
    agreeing = fits[best][0]
    index0, index1 = pairs[inlier_mask].T
    parallax = 0.0
    if inlier_mask.any():
        rays0, rays1 = _rays(view0, index0), _rays(view1, index1)
        parallax = float(np.median(parallax_deg(rays0, rays1, T_1_0[:3, :3])))
    reason = ""
    if support[best] < max(_MIN_POINTS, _MIN_IN_FRONT * agreeing.sum()):
        reason = "too few points lie in front of both images"
    elif (np.delete(support, best) > _MAX_RIVAL * support[best]).any():
        reason = "the scene is a plane that two motions explain"
    elif parallax < config.min_parallax_deg:
        reason = (
            f"the parallax is {parallax:.2f} deg, the initialisation waits for "
            f"{config.min_parallax_deg:g} deg"
        )
    return Initialisation(
        Motion.GENERAL, parallax, reason, T_1_0 if not reason else None, inlier_mask
    )


def _fit(
    T_1_0: Array, view0: View, view1: View, pairs: Pairs, K: Array, config: OdometryConfig
) -> tuple[Mask, Mask]:
    """Return which pairs (K,) a motion explains, and which of them lie in front of both views."""
    index0, index1 = pairs.T
    off_px = sampson_error_px(view0.pixels[index0], view1.pixels[index1], T_1_0, K)
    agrees = off_px < config.ransac_threshold_px
    inverse_depth, _ = inverse_depth_from_motion(
        view0.normalised[index0], view1.normalised[index1], T_1_0, config.keypoint_noise_px
    )
    ratio = depth_ratio(inverse_depth, view0.normalised[index0], T_1_0)
    return agrees, agrees & (inverse_depth > 0) & (ratio > 0)
