"""What further views add to the inverse depths of a keyframe, and how they pass to the next."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry.camera import project
from aliked_ros.geometry.epipolar import sampson_error_px
from aliked_ros.geometry.triangulation import depth_ratio, inverse_depth_from_motion
from aliked_ros.geometry.vectors import homogeneous
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index

_MAX_DEVIATION = 3.0  # standard deviations between a depth and a new measurement of it


def triangulate_into(
    view0: View,
    view1: View,
    pairs: Index,
    T_1_0: Array,
    K: Array,
    noise_px: float,
    relative_noise: float = 0.0,
) -> View:
    """Improve the inverse depths of view 0 by what view 1 sees of the same points.

    Args:
        view0: keyframe.
        view1: another view.
        pairs: (K, 2) int64, matched keypoints of view 0 and view 1.
        T_1_0: (4, 4) motion between them; its unit is that of the depths.
        K: (3, 3) intrinsics of the rectified camera, px.
        noise_px: standard deviation of a keypoint.
        relative_noise: standard deviation of the length of the translation over the length; all
            depths inherit it.

    Returns:
        View 0 with new depths where it had none, and better ones where the views agree.
    """
    index0, index1 = pairs.T
    measured, sigma = inverse_depth_from_motion(
        view0.xy[index0], view1.xy[index1], T_1_0, noise_px / K[0, 0]
    )
    sigma = np.hypot(sigma, relative_noise * measured)
    off_px = sampson_error_px(view0.pixels[index0], view1.pixels[index1], T_1_0, K)
    in_front = depth_ratio(measured, view0.xy[index0], T_1_0) > 0
    agrees = (off_px < _MAX_DEVIATION * noise_px) & (measured > 0) & in_front
    return _fuse(view0, index0[agrees], measured[agrees], sigma[agrees])


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


def carry_over(
    view0: View, view1: View, pairs: Index, T_1_0: Array, K: Array, threshold_px: float
) -> View:
    """Give view 1 the depths that view 0 knows, fused with its own where it has any.

    Args:
        view0: a view with inverse depths.
        view1: another view of the scene.
        pairs: (K, 2) int64, matched keypoints of view 0 and view 1.
        T_1_0: (4, 4) motion between them.
        K: (3, 3) intrinsics of the rectified camera, px.
        threshold_px: largest reprojection error of a pair that is believed.
    """
    index0, index1 = pairs[np.isfinite(view0.inverse_depth[pairs[:, 0]])].T
    rotated = homogeneous(view0.xy[index0]) @ T_1_0[:3, :3].T
    known = view0.inverse_depth[index0, None]
    # (K, 3) in view 1, divided by the depth in view 0
    points1 = np.asarray(rotated + known * T_1_0[:3, 3], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        off_px = np.linalg.norm(project(points1, K) - view1.pixels[index1], axis=1)
        carried = view0.inverse_depth[index0] / points1[:, 2]
        sigma = view0.depth_sigma[index0] * np.abs(rotated[:, 2]) / points1[:, 2] ** 2
    agrees = (points1[:, 2] > 0) & (carried > 0) & (off_px < threshold_px)
    return _fuse(view1, index1[agrees], carried[agrees], sigma[agrees])


def scale(view: View, median_depth: float) -> View:
    """Return the view with another unit of length: that which gives it this median depth."""
    factor = view.median_depth / median_depth
    return view.with_depth(view.inverse_depth * factor, view.depth_sigma * factor)
