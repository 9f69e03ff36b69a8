"""A result of the odometry -> the pose of the robot's base in odom, and how certain it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, OdometryResult, State
from aliked_ros.structs import Array


@dataclass(frozen=True, eq=False)
class BasePose:
    """The pose of the base at an image.

    Attributes:
        stamp_ns: of the image.
        T_odom_base: (4, 4), metres.
        covariance: (6, 6) of translation and rotation about the axes of the base, m, rad.
        is_measured: whether the pose is of this image; else it is the last one that was.
        increment_covariance: (6, 6) likewise, of the motion since the image before; None if
            nobody knows it.
    """

    stamp_ns: int
    T_odom_base: Array
    covariance: Array
    is_measured: bool
    increment_covariance: Array | None = None

    def covariance_odom(self) -> Array:
        """Return the covariance (6, 6) about the axes of odom, m, rad."""
        turn = np.kron(np.eye(2), self.T_odom_base[:3, :3])
        return turn @ self.covariance @ turn.T


def base_pose(
    result: OdometryResult,
    placement: Placement,
    increment_covariance: Array | None,
    covariance_start: Array | None = None,
) -> BasePose:
    """Return the pose of the base at an image that has a pose.

    Args:
        result: of the odometry, with a pose.
        placement: where the world of the odometry lies in odom.
        increment_covariance: (6, 6) of the motion since the image before, about the axes of the
            camera, in units of the odometry; None if nobody knows it.
        covariance_start: (6, 6) of where the odometry started, about the axes of odom, m, rad.
    """
    assert result.T_world_camera is not None
    T_odom_base = placement.T_odom_base(result.T_world_camera)
    is_measured = result.state is State.TRACKING
    covariance = UNKNOWN_COVARIANCE
    if is_measured or result.state is State.PREDICTED:
        covariance = placement.covariance_base(result.covariance)
        covariance = covariance + placement.scale_covariance(T_odom_base)
        if covariance_start is not None and covariance_start.any():
            back = np.kron(np.eye(2), T_odom_base[:3, :3].T)
            covariance = covariance + back @ covariance_start @ back.T
    if increment_covariance is not None:
        increment_covariance = placement.covariance_base(increment_covariance)
    return BasePose(result.stamp_ns, T_odom_base, covariance, is_measured, increment_covariance)
