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
from aliked_ros.odometry.motion import EstimatedMotion
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index, Mask

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
    view0: View, view1: View, pairs: Index, K: Array, config: OdometryConfig, median_depth: float
) -> Initialisation:
    """Find the motion between two views, or say what is missing.

    Args:
        view0: reference.
        view1: current.
        pairs: (K, 2) int64, matched keypoints of view 0 and view 1.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds and noise.
        median_depth: of the scene, as far as it is known.
    """
    if len(pairs) < _MIN_POINTS:
        reason = f"only {len(pairs)} matches with the reference image, {_MIN_POINTS} are needed"
        return Initialisation(Motion.UNKNOWN, reason)
    still = _without_translation(view0, view1, pairs, K, config, median_depth)
    if still is not None:
        return still
    threshold_px = config.ransac_threshold_px
    pixels0, pixels1 = view0.pixels[pairs[:, 0]], view1.pixels[pairs[:, 1]]
    pose = estimate_relative_pose(pixels0, pixels1, K, threshold_px, config.seed)
    if pose is None or pose.inlier_mask.sum() < _MIN_POINTS:
        return Initialisation(Motion.UNKNOWN, "the matches do not agree on a motion")
    candidates = [pose.T_1_0]
    plane = estimate_homography(pixels0, pixels1, threshold_px, config.seed)
    if plane is not None and plane[1].sum() > _PLANE_SHARE * pose.inlier_mask.sum():
        # On a plane the essential matrix has two answers that fit equally well.
        candidates = motions_of_homography(plane[0], K) or candidates
    return _choose(candidates, view0, view1, pairs, K, config)


def _without_translation(
    view0: View, view1: View, pairs: Index, K: Array, config: OdometryConfig, median_depth: float
) -> Initialisation | None:
    """Return the answer if the camera stands still or only turns; None if there is parallax."""
    rays0, rays1 = view0.rays(pairs[:, 0]), view1.rays(pairs[:, 1])
    threshold_rad = config.ransac_threshold_px / K[0, 0]
    fitted = estimate_rotation(rays0, rays1, threshold_rad, config.seed)
    if fitted is None or fitted[1].mean() < _ROTATION_SHARE:
        return None
    R_1_0, inlier_mask = fitted
    moved_px = np.linalg.norm(view1.pixels[pairs[:, 1]] - view0.pixels[pairs[:, 0]], axis=1)
    displacement_px = float(np.median(moved_px[inlier_mask]))
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
    candidates: list[Array],
    view0: View,
    view1: View,
    pairs: Index,
    K: Array,
    config: OdometryConfig,
) -> Initialisation:
    """Return the motion that puts the points in front of both cameras, if one clearly does."""
    fits = [_fit(T_1_0, view0, view1, pairs, K, config) for T_1_0 in candidates]
    support = np.array([in_front.sum() for _, in_front in fits])
    best = int(support.argmax())
    T_1_0 = candidates[best]
    agrees, in_front = fits[best]
    if support[best] < max(_MIN_POINTS, _MIN_IN_FRONT * agrees.sum()):
        return Initialisation(Motion.GENERAL, "too few points lie in front of both images")
    index0, index1 = pairs[in_front].T
    parallax = float(np.median(parallax_deg(view0.rays(index0), view1.rays(index1), T_1_0[:3, :3])))
    if (np.delete(support, best) > _MAX_RIVAL * support[best]).any():
        reason = "the scene is a plane that two motions explain"
        return Initialisation(Motion.GENERAL, reason, None, parallax)
    if parallax < config.min_parallax_deg:
        reason = (
            f"the parallax is {parallax:.2f} deg, the initialisation waits for "
            f"{config.min_parallax_deg:g} deg"
        )
        return Initialisation(Motion.GENERAL, reason, None, parallax)
    displacement = np.linalg.norm(view1.pixels[index1] - view0.pixels[index0], axis=1)
    motion = EstimatedMotion(
        T_1_0,
        np.zeros((6, 6)),
        in_front,
        Motion.GENERAL,
        parallax,
        float(np.median(displacement)),
    )
    return Initialisation(Motion.GENERAL, "", motion, parallax)


def _fit(
    T_1_0: Array, view0: View, view1: View, pairs: Index, K: Array, config: OdometryConfig
) -> tuple[Mask, Mask]:
    """Return which pairs (K,) a motion explains, and which of them lie in front of both views."""
    index0, index1 = pairs.T
    off_px = sampson_error_px(view0.pixels[index0], view1.pixels[index1], T_1_0, K)
    agrees = off_px < config.ransac_threshold_px
    inverse_depth, _ = inverse_depth_from_motion(
        view0.xy[index0], view1.xy[index1], T_1_0, config.keypoint_noise_px
    )
    ratio = depth_ratio(inverse_depth, view0.xy[index0], T_1_0)
    return agrees, agrees & (inverse_depth > 0) & (ratio > 0)
