"""Matches against a view with depth -> the motion since then, and what kind of motion it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry.motion_refinement import RefinedMotion, refine_motion
from aliked_ros.geometry.pnp import estimate_absolute_pose
from aliked_ros.geometry.rotation import align_rays
from aliked_ros.geometry.rotation_prior import RotationPrior, estimate_translation
from aliked_ros.geometry.vectors import angles_rad, homogeneous, unit
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.rotation_prior import prior_between
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index, Mask

# A depth known worse than this, relative, says nothing that a pose could be sampled from.
_MAX_RELATIVE_SIGMA = 0.5
_MAX_ERROR = 3.0  # standard deviations of an inlier's residual


@dataclass(frozen=True, eq=False)
class EstimatedMotion:
    """The motion from a reference view 0 to the current view 1.

    Attributes:
        T_1_0: (4, 4) between the rectified cameras.
        covariance: (6, 6) of T_1_0: translation, then rotation, about the axes of view 1.
        inlier_mask: (K,) bool, pairs that support it.
        kind: none, rotation or general.
        parallax_deg: median angle between the rays of the inliers after removing the rotation.
        displacement_px: median distance that the inliers moved in the image.
    """

    T_1_0: Array
    covariance: Array
    inlier_mask: Mask
    kind: Motion
    parallax_deg: float
    displacement_px: float

    @property
    def relative_translation_sigma(self) -> float:
        """Standard deviation of the translation over its length; inf if there is none."""
        length = np.linalg.norm(self.T_1_0[:3, 3])
        deviation = np.sqrt(np.linalg.eigvalsh(self.covariance[:3, :3])[-1])
        return float(deviation / length) if length > 0 else np.inf


def estimate_motion(
    view0: View,
    view1: View,
    pairs: Index,
    K: Array,
    config: OdometryConfig,
    *,
    trusts_prior: bool = False,
) -> EstimatedMotion | None:
    """Estimate how the camera moved since a view whose depths are known.

    Args:
        view0: reference, with inverse depths.
        view1: current; its inverse depths are used where it has any.
        pairs: (K, 2) int64, matched keypoints of view 0 and view 1.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds and noise.
        trusts_prior: the rotation between the views is known from another sensor: only the
            translation is sampled, and half as many inliers are enough.

    Returns:
        None if fewer than `config.min_inliers` pairs agree, or if there is no rotation to trust.
    """
    prior = prior_between(view0, view1, config)
    if trusts_prior and prior is None:
        return None
    min_inliers = (config.min_inliers + 1) // 2 if trusts_prior else config.min_inliers
    index0, index1 = pairs.T
    usable = np.flatnonzero(
        view0.depth_sigma[index0] < _MAX_RELATIVE_SIGMA * view0.inverse_depth[index0]
    )
    index0, index1 = index0[usable], index1[usable]
    points0 = homogeneous(view0.xy[index0]) / view0.inverse_depth[index0, None]
    threshold_px, seed = config.ransac_threshold_px, config.seed
    if trusts_prior and prior is not None:
        width = threshold_px / K[0, 0] + 2 * prior.sigma_rad
        pose = estimate_translation(prior.R_1_0, points0, view1.xy[index1], width, seed)
    else:
        pose = estimate_absolute_pose(points0, view1.pixels[index1], K, threshold_px, seed)
    if pose is None:
        return None
    inlier_mask = np.zeros(len(pairs), dtype=bool)
    inlier_mask[usable[pose[1]]] = True
    refined = _refine(pose[0], view0, view1, pairs, inlier_mask, K, config, prior)
    if inlier_mask.sum() < min_inliers:
        return None
    return _describe(refined, view0, view1, pairs, inlier_mask, K, config.keypoint_noise_px)


def _refine(
    T_1_0: Array,
    view0: View,
    view1: View,
    pairs: Index,
    inlier_mask: Mask,
    K: Array,
    config: OdometryConfig,
    prior: RotationPrior | None,
) -> RefinedMotion:
    """Refine a pose on its inliers, drop those whose residual is too large, and refine again.

    The second time with the prior, unless what the points say contradicts it.
    """
    noise = config.keypoint_noise_px / K[0, 0]
    in_force = None
    for _ in range(2):
        inliers = np.flatnonzero(inlier_mask)
        refined = refine_motion(
            T_1_0,
            view0.sightings(pairs[inliers, 0]),
            view1.sightings(pairs[inliers, 1]),
            noise,
            prior=in_force,
        )
        T_1_0 = refined.T_1_0
        if prior is not None and not prior.is_contradicted(T_1_0, refined.covariance):
            in_force = prior
        inlier_mask[inliers[refined.errors > _MAX_ERROR]] = False
    return refined


def _describe(
    refined: RefinedMotion,
    view0: View,
    view1: View,
    pairs: Index,
    inlier_mask: Mask,
    K: Array,
    still_px: float,
) -> EstimatedMotion:
    """Tell no motion and pure rotation from general motion, and hold still where there is none.

    What counts is the movement of the image that the estimate explains, a mean over all inliers:
    if that is below the noise of one keypoint, `still_px`, nobody can see it.
    """
    index0, index1 = pairs[inlier_mask].T
    T_1_0 = refined.T_1_0
    rays0 = view0.rays(index0)
    points1 = (
        homogeneous(view0.xy[index0]) @ T_1_0[:3, :3].T
        + view0.inverse_depth[index0, None] * T_1_0[:3, 3]
    )
    # Where the estimate, not the noisy keypoint, sees the landmarks.
    rays1 = unit(np.asarray(points1))
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
    measured1 = view1.rays(index1)
    parallax = np.degrees(np.median(angles_rad(rays0 @ T_1_0[:3, :3].T, measured1)))
    displacement = np.median(np.linalg.norm(view1.pixels[index1] - view0.pixels[index0], axis=1))
    return EstimatedMotion(
        T_1_0, refined.covariance, inlier_mask, kind, float(parallax), float(displacement)
    )
