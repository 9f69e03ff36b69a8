"""Keyframes and landmarks as others see them: in the frame of the raw camera."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.structs import Array, Index

_MAX_RELATIVE_SIGMA = 0.1  # of a depth that is good enough to measure by


def landmarks(local_map: LocalMap | None, R_rectified_camera: Array) -> tuple[Array, Index]:
    """Return the landmarks of a map.

    Args:
        local_map: keyframes and landmarks, or None.
        R_rectified_camera: (3, 3) from the raw to the rectified camera.

    Returns:
        points_world: (L, 3) in the world of OdometryResult.T_world_camera; its unit.
        num_seen: (L,) int64, keyframes that see each landmark.
    """
    if local_map is None:
        return np.zeros((0, 3)), np.zeros(0, np.int64)
    num_seen = local_map.num_observers()
    is_known = (num_seen > 0) & local_map.landmarks.is_alive
    # The world is the rectified camera at some instant; the report is about raw ones.
    return local_map.landmarks.points_world[is_known] @ R_rectified_camera, num_seen[is_known]


def sharp_points(local_map: LocalMap | None, R_rectified_camera: Array) -> tuple[int, Array]:
    """Return the landmarks that the reference keyframe shows and whose depth is known to a tenth.

    Args:
        local_map: the map, or None.
        R_rectified_camera: (3, 3) from the raw to the rectified camera.

    Returns:
        stamp_ns: of the keyframe; 0 if there is none.
        points_camera: (N, 3) in the frame of the raw camera; unit of the world.
    """
    if local_map is None:
        return 0, np.zeros((0, 3))
    reference = local_map.reference
    numbers = np.unique(reference.numbers)
    points = se3.transform(reference.T_view_world, local_map.landmarks.points_world[numbers])
    axis = reference.T_view_world[2, :3]
    variance = np.einsum("i,nij,j->n", axis, local_map.landmarks.covariance[numbers], axis)
    is_sharp = (points[:, 2] > 0) & (np.sqrt(variance) < _MAX_RELATIVE_SIGMA * points[:, 2])
    return reference.view.stamp_ns, points[is_sharp] @ R_rectified_camera


def keyframes(local_map: LocalMap | None, R_rectified_camera: Array) -> list[tuple[int, Array]]:
    """Return stamp (ns) and T_world_camera (4, 4) of a map's keyframes, oldest first."""
    T_rectified_camera = se3.from_rotation_translation(R_rectified_camera, np.zeros(3))
    T_camera_rectified = se3.inverse(T_rectified_camera)
    return [
        (k.view.stamp_ns, T_camera_rectified @ k.T_world_view @ T_rectified_camera)
        for k in ([] if local_map is None else local_map.keyframes)
    ]
