"""Where the odometry's world lies on the robot's map, and how long its unit is there."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array


class Placement:
    """Takes poses, points and covariances from the world of the odometry to the frame odom.

    The world is the camera's optical frame at the first image; odom is placed so that base_link
    was at T_odom_start then. Where the unit of length changes, it does from the newest pose on:
    what was said before stays, so that odom has no jump.

    Args:
        T_base_camera: (4, 4) optical frame of the camera in base_link, metres.
        T_odom_start: (4, 4) base_link at the first image, metres.

    Attributes:
        scale: metres per unit of the odometry.
    """

    def __init__(self, T_base_camera: Array, T_odom_start: Array) -> None:
        self.T_base_camera = T_base_camera
        self.scale = 1.0
        self._relative_sigma = 0.0
        self._start_m = T_odom_start[:3, 3]
        self._T_odom_anchor = T_odom_start @ T_base_camera
        self._T_world_anchor: Array = np.eye(4)

    def rescale(self, scale: float, sigma: float, T_world_camera: Array | None) -> None:
        """Give the unit another length.

        Args:
            scale: metres per unit.
            sigma: its standard deviation.
            T_world_camera: (4, 4) the newest pose, from which on it holds; None: from the start.
        """
        if T_world_camera is not None:
            self._T_odom_anchor = self.T_odom_camera(T_world_camera)
            self._T_world_anchor = T_world_camera
        self.scale, self._relative_sigma = scale, sigma / scale

    def T_odom_camera(self, T_world_camera: Array) -> Array:
        """Return the pose (4, 4) of the camera in odom, metres."""
        T_anchor_camera = se3.inverse(self._T_world_anchor) @ T_world_camera
        T_anchor_camera[:3, 3] *= self.scale
        return self._T_odom_anchor @ T_anchor_camera

    def T_odom_base(self, T_world_camera: Array) -> Array:
        """Return the pose (4, 4) of base_link in odom, metres."""
        return self.T_odom_camera(T_world_camera) @ se3.inverse(self.T_base_camera)

    def points_odom(self, points_world: Array) -> Array:
        """Return points (N, 3) in odom, metres."""
        points_anchor = se3.transform(se3.inverse(self._T_world_anchor), points_world)
        return se3.transform(self._T_odom_anchor, self.scale * points_anchor)

    def covariance_base(self, covariance: Array) -> Array:
        """Turn a covariance about the axes of the camera to those of base_link.

        Args:
            covariance: (6, 6) of translation (unit of the odometry), then rotation (rad).

        Returns:
            (6, 6) of translation (metres), then rotation (rad).
        """
        metric = se3.propagate(np.diag([*[self.scale] * 3, 1.0, 1.0, 1.0]), covariance)
        return se3.carry(self.T_base_camera, metric)

    def scale_covariance(self, T_odom_base: Array) -> Array:
        """Return what the unknown part of the scale adds to a pose: (6, 6), axes of base_link."""
        error = np.zeros(6)
        error[:3] = T_odom_base[:3, :3].T @ (T_odom_base[:3, 3] - self._start_m)
        return np.outer(error, error) * self._relative_sigma**2
