"""Two views of a single camera -> the first motion with depths, or why there is none yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.epipolar import (
    estimate_homography,
    estimate_relative_pose,
    motions_of_homography,
    sampson_error_px,
)
from aliked_ros.geometry.rotation import estimate_rotation
from aliked_ros.geometry.triangulation import (
    depth_ratio,
    inverse_depth_from_motion,
    parallax_deg,
)
from aliked_ros.odometry.estimated_motion import EstimatedMotion
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.result import Motion
from aliked_ros.structs import Array, Mask

_MIN_POINTS = 40  # landmarks to begin with
_STILL = 2.0  # median displacement of keypoints, over their noise, of a camera that stands still
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
        kind: of the motion between the views; unknown if the matches agree on none.
        reason: why depths cannot be triangulated yet; empty if they can.
        motion: between the views, or None. A rotation has no translation but the covariance of
            one that is too small to be seen; a general motion has a translation of unit length
            and says nothing of its covariance.
        parallax_deg: median parallax of the matches that agree with the motion.
    """

    kind: Motion
    reason: str
    motion: EstimatedMotion | None = None
    parallax_deg: float = 0.0


def initialise(
    matched: MatchedViews, K: Array, config: OdometryConfig, median_depth: float
) -> Initialisation:
    """Find the motion between two views, or say what is missing.

    Args:
        matched: reference and current view.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds and noise.
        median_depth: of the scene, as far as it is known.
    """
    if len(matched) < _MIN_POINTS:
        reason = f"only {len(matched)} matches with the reference image, {_MIN_POINTS} are needed"
        return Initialisation(Motion.UNKNOWN, reason)
    still = _without_translation(matched, K, config, median_depth)
    if still is not None:
        return still
    threshold_px = config.ransac_threshold_px
    pose = estimate_relative_pose(*matched.pixels, K, threshold_px, config.seed)
    if pose is None or pose.inlier_mask.sum() < _MIN_POINTS:
        return Initialisation(Motion.UNKNOWN, "the matches do not agree on a motion")
    candidates = [pose.T_1_0]
    plane = estimate_homography(*matched.pixels, threshold_px, config.seed)
    if plane is not None and plane[1].sum() > _PLANE_SHARE * pose.inlier_mask.sum():
        # On a plane the essential matrix has two answers that fit equally well.
        candidates = motions_of_homography(plane[0], K) or candidates
    return _choose(candidates, matched, K, config)


def _without_translation(
    matched: MatchedViews, K: Array, config: OdometryConfig, median_depth: float
) -> Initialisation | None:
    """Return the answer if the camera stands still or only turns; None if there is parallax."""
    rays0, rays1 = matched.rays
    threshold_rad = config.ransac_threshold_px / K[0, 0]
    fitted = estimate_rotation(rays0, rays1, threshold_rad, config.seed)
    if fitted is None or fitted[1].mean() < _ROTATION_SHARE:
        return None
    R_1_0, inlier_mask = fitted
    displacement_px = float(np.median(matched.displacement_px[inlier_mask]))
    parallax = float(np.median(parallax_deg(rays0, rays1, R_1_0)))
    kind, verb = Motion.ROTATION, "only turns"
    if displacement_px < _STILL * config.keypoint_noise_px:
        kind, verb, R_1_0 = Motion.NONE, "stands still", np.eye(3)
    rotation_sigma = config.keypoint_noise_px / K[0, 0] / np.sqrt(inlier_mask.sum())
    sigmas = np.repeat([threshold_rad * median_depth, rotation_sigma], 3)
    motion = EstimatedMotion(
        se3.from_rotation_translation(R_1_0, np.zeros(3)),
        np.diag(sigmas**2),
        inlier_mask,
        kind,
        parallax,
        displacement_px,
    )
    reason = f"the camera {verb}: a single one sees depth only when it moves sideways"
    return Initialisation(kind, reason, motion, parallax)


def _choose(
    candidates: list[Array], matched: MatchedViews, K: Array, config: OdometryConfig
) -> Initialisation:
    """Return the motion that puts the points in front of both cameras, if one clearly does."""
    fits = [_fit(T_1_0, matched, K, config) for T_1_0 in candidates]
    support = np.array([in_front.sum() for _, in_front in fits])
    best = int(support.argmax())
    T_1_0 = candidates[best]
    agrees, in_front = fits[best]
    if support[best] < max(_MIN_POINTS, _MIN_IN_FRONT * agrees.sum()):
        return Initialisation(Motion.GENERAL, "too few points lie in front of both images")
    parallax = float(np.median(parallax_deg(*matched.select(in_front).rays, T_1_0[:3, :3])))
    if (np.delete(support, best) > _MAX_RIVAL * support[best]).any():
        reason = "the scene is a plane that two motions explain"
        return Initialisation(Motion.GENERAL, reason, None, parallax)
    if parallax < config.min_parallax_deg:
        reason = (
            f"the parallax is {parallax:.2f} deg, the initialisation waits for "
            f"{config.min_parallax_deg:g} deg"
        )
        return Initialisation(Motion.GENERAL, reason, None, parallax)
    displacement_px = float(np.median(matched.displacement_px[in_front]))
    motion = EstimatedMotion(
        T_1_0, np.zeros((6, 6)), in_front, Motion.GENERAL, parallax, displacement_px
    )
    return Initialisation(Motion.GENERAL, "", motion, parallax)


def _fit(
    T_1_0: Array, matched: MatchedViews, K: Array, config: OdometryConfig
) -> tuple[Mask, Mask]:
    """Return which pairs (K,) a motion explains, and which of them lie in front of both views."""
    agrees = sampson_error_px(*matched.pixels, T_1_0, K) < config.ransac_threshold_px
    xy0, xy1 = matched.xy
    inverse_depth, _ = inverse_depth_from_motion(
        xy0, xy1, T_1_0, config.keypoint_noise_px / K[0, 0]
    )
    ratio = depth_ratio(inverse_depth, xy0, T_1_0)
    return agrees, agrees & (inverse_depth > 0) & (ratio > 0)
