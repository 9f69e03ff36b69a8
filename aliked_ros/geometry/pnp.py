"""Landmarks and keypoints -> T_camera_world, by LO-RANSAC."""

from __future__ import annotations

import numpy as np
import poselib

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import poselib_pinhole
from aliked_ros.structs import Array, Mask

# A share of 0.2 of true points is found with 99.97 %; where nothing agrees the time is bounded.
_MAX_ITERATIONS = 1000
MIN_POINTS = 4  # three determine the pose up to four answers, the fourth chooses


def estimate_absolute_pose(
    points_world: Array,
    pixels: Array,
    K: Array,
    threshold_px: float,
    seed: int,
    max_iterations: int = _MAX_ITERATIONS,
) -> tuple[Array, Mask] | None:
    """Estimate where a camera stands from points that it sees.

    Args:
        points_world: (N, 3) points, metres or any one unit.
        pixels: (N, 2) px where the rectified image shows them.
        K: (3, 3) intrinsics of the rectified image, px.
        threshold_px: largest reprojection error of an inlier.
        seed: of the random sampling; the same seed gives the same answer.
        max_iterations: of it; the default bounds the time of a frame that shows nothing known.

    Returns:
        T_camera_world (4, 4) and the inlier mask (N,); None if fewer than MIN_POINTS agree.
    """
    if len(points_world) < MIN_POINTS:
        return None
    options = {
        "max_reproj_error": threshold_px,
        "seed": seed,
        "min_iterations": 100,
        "max_iterations": max_iterations,
    }
    pose, info = poselib.estimate_absolute_pose(
        pixels, points_world, poselib_pinhole(K), options, {}
    )
    inlier_mask = np.asarray(info["inliers"], dtype=bool)
    if inlier_mask.sum() < MIN_POINTS:
        return None
    return se3.from_rotation_translation(pose.R, pose.t), inlier_mask
