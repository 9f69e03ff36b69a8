"""Cameras as line segments: image, corners and centre of projection."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import to_plane
from aliked_ros.geometry.vectors import homogeneous
from aliked_ros.structs import Array, Camera

# The corners of an image and its camera (index 4), joined by lines.
_EDGES = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [0, 4], [1, 4], [2, 4], [3, 4]])


def frusta(poses: list[Array], camera: Camera, size: float) -> Array:
    """Return the segments (8 N, 2, 3) of what cameras see, in the world.

    Args:
        poses: N of T_world_camera (4, 4).
        camera: that all of them are.
        size: distance of the drawn images from their cameras, unit of the poses.
    """
    width, height = camera.width, camera.height
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    drawn = np.vstack([size * homogeneous(to_plane(corners, camera.K)), np.zeros(3)])
    segments = [se3.transform(T, drawn)[_EDGES] for T in poses]
    return np.concatenate([np.zeros((0, 2, 3)), *segments])
