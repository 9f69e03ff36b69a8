"""Two views of a single camera: only turned, or a motion with parallax that one model explains."""

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
    turn_sigma_deg,
)
from aliked_ros.geometry.rotation import estimate_rotation
from aliked_ros.geometry.triangulation import depth_ratio, inverse_depth_from_motion, parallax_deg
from aliked_ros.geometry.vectors import angles_rad
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.result import Motion
from aliked_ros.structs import Array, Mask

MIN_POINTS = 40  # landmarks to begin with
_STILL = 2.0  # median displacement of keypoints, over their noise, of a camera that stands still
_ROTATION_SHARE = 0.6  # of the matches that a rotation alone explains: there is no parallax
_THRESHOLD = 3.0  # largest epipolar error of an inlier, over the noise of a keypoint
_PLANE_THRESHOLD = 6.0  # of a homography's transfer error, likewise
_MAX_RIVAL = 0.8  # of the best motion's support that another one may have
_MAX_TURN_DEG = 20.0  # between two views: keypoints sit elsewhere when seen from far aside
_MAX_TURN_SIGMA_DEG = 0.13  # of the turn: beyond it, it passes for parallax
_SAME_DEG, _SAME_DIRECTION_DEG = 0.5, 15.0  # motions closer than this are one


@dataclass(frozen=True, eq=False)
class Rotation:
    """A camera that stays where it is.

    Attributes:
        kind: none or rotation.
        R_1_0: (3, 3).
        sigma_rad: standard deviation of it about any axis.
        num_inliers: matches that agree with it.
        parallax_deg: median angle that it leaves.
    """

    kind: Motion
    R_1_0: Array
    sigma_rad: float
    num_inliers: int
    parallax_deg: float


@dataclass(frozen=True, eq=False)
class Pair:
    """A motion with parallax, and the points that it explains.

    Attributes:
        T_1_0: (4, 4), translation of unit length.
        points: the views with the pairs that it explains.
        inverse_depth: (P,) of the points in view 0, over the length of the translation.
        sigma: (P,) standard deviation.
        parallax_deg: median parallax of the points.
    """

    T_1_0: Array
    points: MatchedViews
    inverse_depth: Array
    sigma: Array
    parallax_deg: float


@dataclass(frozen=True)
class NoPair:
    """Why there is no such motion.

    Attributes:
        reason: one sentence.
        kind: of the motion; unknown if the matches agree on none.
        parallax_deg: median parallax of the points.
        is_far: the views are too far apart, or turned too far.
    """

    reason: str
    kind: Motion = Motion.UNKNOWN
    parallax_deg: float = 0.0
    is_far: bool = False


def look_for_rotation(matched: MatchedViews, K: Array, config: OdometryConfig) -> Rotation | None:
    """Return how the camera turned, if it stands still or only turns; None if there is parallax."""
    if len(matched) < MIN_POINTS:
        return None
    rays0, rays1 = matched.rays
    threshold_rad = config.ransac_threshold_px / K[0, 0]
    fitted = estimate_rotation(rays0, rays1, threshold_rad, config.seed)
    if fitted is None or fitted[1].mean() < _ROTATION_SHARE:
        return None
    R_1_0, is_inlier = fitted
    displacement_px = float(np.median(matched.displacement_px[is_inlier]))
    parallax = float(np.median(parallax_deg(rays0, rays1, R_1_0)))
    kind = Motion.ROTATION
    if displacement_px < _STILL * config.keypoint_noise_px:
        kind, R_1_0 = Motion.NONE, np.eye(3)
    num = int(is_inlier.sum())
    sigma_rad = config.keypoint_noise_px / K[0, 0] / np.sqrt(num)
    return Rotation(kind, R_1_0, float(sigma_rad), num, parallax)


def look_for_parallax(matched: MatchedViews, K: Array, config: OdometryConfig) -> Pair | NoPair:
    """Find the one motion between two views that explains their matches.

    Both an essential matrix and a homography propose; where two different motions explain the
    matches nearly as well, as before a plane, there is no answer yet.
    """
    threshold_px = _THRESHOLD * config.keypoint_noise_px
    motions = _propose(matched, K, config, threshold_px)
    if not motions:
        return NoPair("the matches do not agree on a motion")
    fits = [_fit(T_1_0, matched, K, config, threshold_px) for T_1_0 in motions]
    support = np.array([fit[0] for fit in fits])
    best = int(support.argmax())
    T_1_0, (_, is_point, inverse_depth, sigma) = motions[best], fits[best]
    if is_point.sum() < MIN_POINTS:
        reason = f"{is_point.sum()} points lie in front of both images, {MIN_POINTS} are needed"
        return NoPair(reason, Motion.GENERAL)
    points = matched.select(is_point)
    rays0, rays1 = points.rays
    parallax = float(np.degrees(np.median(angles_rad(rays0 @ T_1_0[:3, :3].T, rays1))))
    rivals = (support > _MAX_RIVAL * support[best]).nonzero()[0]
    if any(_differ(T_1_0, motions[rival]) for rival in rivals):
        return NoPair("the scene is a plane that two motions explain", Motion.GENERAL, parallax)
    if parallax < config.min_parallax_deg:
        reason = (
            f"the parallax is {parallax:.2f} deg, the initialisation waits for "
            f"{config.min_parallax_deg:g} deg"
        )
        return NoPair(reason, Motion.GENERAL, parallax)
    turn_deg = se3.rotation_angle_deg(T_1_0[:3, :3])
    if turn_deg > _MAX_TURN_DEG:
        reason = f"the camera has turned by {turn_deg:.0f} deg, {_MAX_TURN_DEG:.0f} are too many"
        return NoPair(reason, Motion.GENERAL, parallax, is_far=True)
    sigma_deg = turn_sigma_deg(*points.pixels, T_1_0, K)
    if sigma_deg > _MAX_TURN_SIGMA_DEG:
        reason = (
            f"the turn between two images is known to {sigma_deg:.2f} deg, the initialisation "
            f"waits for {_MAX_TURN_SIGMA_DEG:g} deg"
        )
        return NoPair(reason, Motion.GENERAL, parallax, is_far=True)
    return Pair(T_1_0, points, inverse_depth[is_point], sigma[is_point], parallax)


def _propose(
    matched: MatchedViews, K: Array, config: OdometryConfig, threshold_px: float
) -> list[Array]:
    """Return motions (4, 4) that may explain the matches."""
    pose = estimate_relative_pose(*matched.pixels, K, threshold_px, config.seed)
    if pose is None or pose.inlier_mask.sum() < MIN_POINTS:
        return []
    plane_px = _PLANE_THRESHOLD * config.keypoint_noise_px
    plane = estimate_homography(*matched.pixels, plane_px, config.seed)
    return [pose.T_1_0, *([] if plane is None else motions_of_homography(plane[0], K))]


def _fit(
    T_1_0: Array, matched: MatchedViews, K: Array, config: OdometryConfig, threshold_px: float
) -> tuple[float, Mask, Array, Array]:
    """Return how well a motion explains the pairs, which ones (K,), their depths and sigmas."""
    error = sampson_error_px(*matched.pixels, T_1_0, K) / threshold_px
    xy0, xy1 = matched.xy
    spread = np.hypot(
        matched.view0.spread[matched.index0], matched.view1.spread[matched.index1]
    ) / np.sqrt(2)
    noise = spread * config.keypoint_noise_px / float(K[0, 0])
    inverse_depth, sigma = inverse_depth_from_motion(xy0, xy1, T_1_0, noise)
    in_front = (inverse_depth > 0) & (depth_ratio(inverse_depth, xy0, T_1_0) > 0)
    is_point = (error < 1) & in_front
    return float(((1 - error**2) * is_point).sum()), is_point, inverse_depth, sigma


def _differ(T_1_0: Array, other: Array) -> bool:
    """Return whether two motions of unit length are not the same one."""
    turn_deg = se3.rotation_angle_deg(T_1_0[:3, :3] @ other[:3, :3].T)
    cosine = np.clip(T_1_0[:3, 3] @ other[:3, 3], -1, 1)
    return bool(turn_deg > _SAME_DEG or np.degrees(np.arccos(cosine)) > _SAME_DIRECTION_DEG)
