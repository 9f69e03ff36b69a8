"""Matches against a view with depth -> the motion since then, and what kind of motion it is."""

from __future__ import annotations

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry.motion_refinement import RefinedMotion, refine_motion
from aliked_ros.geometry.pnp import estimate_absolute_pose
from aliked_ros.geometry.rotation import align_rays
from aliked_ros.geometry.rotation_prior import RotationPrior, estimate_translation
from aliked_ros.geometry.vectors import angles_rad, seen_from, unit, unproject
from aliked_ros.odometry.estimated_motion import EstimatedMotion
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.result import Motion
from aliked_ros.structs import Array, Mask

# A depth known worse than this, relative, says nothing that a pose could be sampled from.
_MAX_RELATIVE_SIGMA = 0.5
_MAX_ERROR = 3.0  # standard deviations of an inlier's residual


def estimate_motion(
    matched: MatchedViews, K: Array, config: OdometryConfig, *, trusts_prior: bool = False
) -> EstimatedMotion | None:
    """Estimate how the camera moved since a view whose depths are known.

    Args:
        matched: reference with inverse depths, and the current view, whose inverse depths are
            used where it has any.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds and noise.
        trusts_prior: the rotation between the views is known from another sensor: only the
            translation is sampled, and half as many inliers are enough.

    Returns:
        None if fewer than `config.min_inliers` pairs agree, or if there is no rotation to trust.
    """
    prior = _prior(matched, config)
    if trusts_prior and prior is None:
        return None
    min_inliers = (config.min_inliers + 1) // 2 if trusts_prior else config.min_inliers
    is_sharp = (
        matched.view0.depth_sigma[matched.index0] < _MAX_RELATIVE_SIGMA * matched.inverse_depth0
    )
    usable = np.flatnonzero(is_sharp)
    sampled = matched.select(usable)
    points0 = unproject(sampled.xy[0], sampled.inverse_depth0)
    threshold_px, seed = config.ransac_threshold_px, config.seed
    if trusts_prior and prior is not None:
        width = threshold_px / K[0, 0] + 2 * prior.sigma_rad
        pose = estimate_translation(prior.R_1_0, points0, sampled.xy[1], width, seed)
    else:
        pose = estimate_absolute_pose(points0, sampled.pixels[1], K, threshold_px, seed)
    if pose is None:
        return None
    inlier_mask = np.zeros(len(matched), dtype=bool)
    inlier_mask[usable[pose[1]]] = True
    refined = _refine(pose[0], matched, inlier_mask, K, config, prior)
    if inlier_mask.sum() < min_inliers:
        return None
    return _describe(refined, matched, inlier_mask, K, config.keypoint_noise_px)


def _prior(matched: MatchedViews, config: OdometryConfig) -> RotationPrior | None:
    """Return how the camera turned from view 0 to view 1, or None if nobody measured it."""
    R_inertial_0, R_inertial_1 = matched.view0.R_inertial_view, matched.view1.R_inertial_view
    if R_inertial_0 is None or R_inertial_1 is None:
        return None
    sigma_rad = float(np.radians(config.rotation_prior_noise_deg))
    return RotationPrior(R_inertial_1.T @ R_inertial_0, sigma_rad)


def _refine(
    T_1_0: Array,
    matched: MatchedViews,
    inlier_mask: Mask,
    K: Array,
    config: OdometryConfig,
    prior: RotationPrior | None,
) -> RefinedMotion:
    """Refine a pose on its inliers, drop those whose residual is too large, and refine again.

    The second time with the prior, unless what the points say contradicts it.
    """
    noise = config.keypoint_noise_px / K[0, 0]
    accepted = None
    for _ in range(2):
        inliers = np.flatnonzero(inlier_mask)
        refined = refine_motion(T_1_0, *matched.select(inliers).sightings, noise, prior=accepted)
        T_1_0 = refined.T_1_0
        if prior is not None and not prior.is_contradicted(T_1_0, refined.covariance):
            accepted = prior
        inlier_mask[inliers[refined.errors > _MAX_ERROR]] = False
    return refined


def _describe(
    refined: RefinedMotion, matched: MatchedViews, inlier_mask: Mask, K: Array, still_px: float
) -> EstimatedMotion:
    """Tell no motion and pure rotation from general motion, and hold still where there is none.

    What counts is the movement of the image that the estimate explains, a mean over all inliers:
    if that is below the noise of one keypoint, `still_px`, nobody can see it.
    """
    inliers = matched.select(inlier_mask)
    T_1_0 = refined.T_1_0
    rays0, measured1 = inliers.rays
    # Where the estimate, not the noisy keypoint, sees the landmarks.
    rays1 = unit(seen_from(T_1_0, inliers.xy[0], inliers.inverse_depth0))
    focal = float(K[0, 0])
    rotation_alone = align_rays(rays0, rays1)
    moved_px = focal * float(np.median(angles_rad(rays0, rays1)))
    left_px = focal * float(np.median(angles_rad(rays0 @ rotation_alone.T, rays1)))
    kind = Motion.GENERAL
    if moved_px < still_px:
        # Measured against a keyframe that stays, so a slow motion is only late, never lost.
        kind, T_1_0 = Motion.NONE, np.eye(4)
    elif left_px < still_px:
        kind = Motion.ROTATION
    parallax_deg = np.degrees(np.median(angles_rad(rays0 @ T_1_0[:3, :3].T, measured1)))
    displacement_px = np.median(inliers.displacement_px)
    return EstimatedMotion(
        T_1_0, refined.covariance, inlier_mask, kind, float(parallax_deg), float(displacement_px)
    )
