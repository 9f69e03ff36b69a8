"""What further views add to the inverse depths of a keyframe, and how they pass to the next."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry.camera import project
from aliked_ros.geometry.epipolar import sampson_error_px
from aliked_ros.geometry.triangulation import depth_ratio, inverse_depth_from_motion
from aliked_ros.geometry.vectors import seen_from
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index

_MAX_DEVIATION = 3.0  # standard deviations between a depth and a new measurement of it


def triangulate_into(
    matched: MatchedViews, T_1_0: Array, K: Array, noise_px: float, relative_noise: float = 0.0
) -> View:
    """Improve the inverse depths of view 0 by what view 1 sees of the same points.

    Args:
        matched: keyframe and another view.
        T_1_0: (4, 4) motion between them; its unit is that of the depths.
        K: (3, 3) intrinsics of the rectified camera, px.
        noise_px: standard deviation of a keypoint.
        relative_noise: standard deviation of the length of the translation over the length; all
            depths inherit it.

    Returns:
        View 0 with new depths where it had none, and better ones where the views agree.
    """
    measured, sigma = inverse_depth_from_motion(*matched.xy, T_1_0, noise_px / K[0, 0])
    sigma = np.hypot(sigma, relative_noise * measured)
    off_px = sampson_error_px(*matched.pixels, T_1_0, K)
    in_front = depth_ratio(measured, matched.xy[0], T_1_0) > 0
    agrees = (off_px < _MAX_DEVIATION * noise_px) & (measured > 0) & in_front
    return _fuse(matched.view0, matched.index0[agrees], measured[agrees], sigma[agrees])


def carry_over(matched: MatchedViews, T_1_0: Array, K: Array, threshold_px: float) -> View:
    """Give view 1 the depths that view 0 knows, fused with its own where it has any.

    Args:
        matched: a view with inverse depths, and another one of the scene.
        T_1_0: (4, 4) motion between them.
        K: (3, 3) intrinsics of the rectified camera, px.
        threshold_px: largest reprojection error of a pair that is believed.
    """
    matched = matched.select(np.isfinite(matched.inverse_depth0))
    known = matched.inverse_depth0
    points1 = seen_from(T_1_0, matched.xy[0], known)  # divided by the depth in view 0
    rotated_z = points1[:, 2] - known * T_1_0[2, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        off_px = np.linalg.norm(project(points1, K) - matched.pixels[1], axis=1)
        carried = known / points1[:, 2]
        sigma = matched.view0.depth_sigma[matched.index0] * np.abs(rotated_z) / points1[:, 2] ** 2
    agrees = (points1[:, 2] > 0) & (carried > 0) & (off_px < threshold_px)
    return _fuse(matched.view1, matched.index1[agrees], carried[agrees], sigma[agrees])


def _fuse(view: View, index: Index, measured: Array, sigma: Array) -> View:
    """Return the view with measurements (K,) fused into its inverse depths at index (K,)."""
    inverse_depth, deviation = view.inverse_depth.copy(), view.depth_sigma.copy()
    is_new = ~np.isfinite(inverse_depth[index])
    inverse_depth[index[is_new]], deviation[index[is_new]] = measured[is_new], sigma[is_new]

    index, measured, sigma = index[~is_new], measured[~is_new], sigma[~is_new]
    difference, spread = measured - inverse_depth[index], deviation[index]
    agrees = np.abs(difference) < _MAX_DEVIATION * np.hypot(spread, sigma)
    index, difference = index[agrees], difference[agrees]
    sigma, spread = sigma[agrees], spread[agrees]
    weight = 1 / (1 + (sigma / spread) ** 2)
    inverse_depth[index] += weight * difference
    # The measurements share the noise of the keypoint in this view, so that averaging many can
    # make them only so much better than the best one.
    fused = np.sqrt(1 - weight) * spread
    deviation[index] = np.maximum(fused, np.minimum(spread, sigma) / np.sqrt(2))
    return view.with_depth(inverse_depth, deviation)


def with_best_depths(view: View, other: View) -> View:
    """Return the other state of a view, keypoint by keypoint with the depth that is known better.

    Args:
        view: one state of a view.
        other: another state of the same view, whose pose is taken.
    """
    is_better = view.depth_sigma < other.depth_sigma
    return other.with_depth(
        np.where(is_better, view.inverse_depth, other.inverse_depth),
        np.where(is_better, view.depth_sigma, other.depth_sigma),
    )


def scale(view: View, median_depth: float) -> View:
    """Return the view with another unit of length: that which gives it this median depth."""
    factor = view.median_depth / median_depth
    return view.with_depth(view.inverse_depth * factor, view.depth_sigma * factor)
