"""The window of keyframes and landmarks as others see it: in the frame of the raw camera."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.vectors import unproject
from aliked_ros.odometry.local_map import LocalMap, place
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index

_MAX_RELATIVE_SIGMA = 0.1  # of a depth that is good enough to measure by


def landmarks(
    window: LocalMap, reference: View | None, R_rectified_camera: Array
) -> tuple[Array, Index]:
    """Return the landmarks whose place is known.

    A window of one keyframe has no landmarks: then the keypoints of the reference with a known
    depth are.

    Args:
        window: keyframes and landmarks.
        reference: what poses are measured against, or None.
        R_rectified_camera: (3, 3) from the raw to the rectified camera.

    Returns:
        points_world: (L, 3) in the world of OdometryResult.T_world_camera; its unit.
        num_seen: (L,) int64, keyframes that see each landmark.
    """
    points = window.points_world
    sightings = [k.landmark[k.landmark >= 0] for k in window.keyframes]
    num_seen = np.bincount(
        np.concatenate([np.zeros(0, np.int64), *sightings]), minlength=len(points)
    )
    is_known = (num_seen > 0) & np.isfinite(points).all(axis=1)
    points, num_seen = points[is_known], num_seen[is_known]
    if len(points) == 0 and reference is not None and reference.is_measured:
        points = place(reference, np.flatnonzero(np.isfinite(reference.inverse_depth)))
        points = points[np.isfinite(points).all(axis=1)]
        num_seen = np.ones(len(points), np.int64)
    # The world is the rectified camera at some instant; the report is about raw ones.
    return points @ R_rectified_camera, num_seen


def sharp_points(reference: View | None, R_rectified_camera: Array) -> tuple[int, Array]:
    """Return what the reference knows the depth of to a tenth.

    Args:
        reference: what poses are measured against, or None.
        R_rectified_camera: (3, 3) from the raw to the rectified camera.

    Returns:
        stamp_ns: of the reference; 0 if there is none.
        points_camera: (N, 3) in the frame of the raw camera; unit of the world.
    """
    if reference is None:
        return 0, np.zeros((0, 3))
    sharp = np.flatnonzero(reference.depth_sigma < _MAX_RELATIVE_SIGMA * reference.inverse_depth)
    return reference.stamp_ns, unproject(
        reference.xy[sharp], reference.inverse_depth[sharp]
    ) @ R_rectified_camera


def keyframes(
    window: LocalMap, reference: View | None, R_rectified_camera: Array
) -> list[tuple[int, Array]]:
    """Return stamp (ns) and T_world_camera (4, 4) of the window's keyframes, oldest first."""
    views = [keyframe.view for keyframe in window.keyframes]
    if reference is not None and reference.stamp_ns not in {view.stamp_ns for view in views}:
        views = [reference]
    T_rectified_camera = se3.from_rotation_translation(R_rectified_camera, np.zeros(3))
    T_camera_rectified = se3.inverse(T_rectified_camera)
    return [
        (view.stamp_ns, T_camera_rectified @ view.T_world_view @ T_rectified_camera)
        for view in views
        if view.T_world_view is not None
    ]
