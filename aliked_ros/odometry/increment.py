"""How uncertain the motion between two images is, from the covariances of their poses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.structs import Array


class UncertainPose(Protocol):
    """A pose that was reported, with its covariance."""

    @property
    def T_world_camera(self) -> Array | None:
        """(4, 4), or None where there is none."""

    @property
    def noise_covariance(self) -> Array:
        """(6, 6) of this image alone: translation, then rotation, about the camera's axes."""

    @property
    def step_covariance(self) -> Array | None:
        """(6, 6) gained since the image before; None where nobody knows."""

    @property
    def unit_deviation(self) -> float:
        """Relative standard deviation of the unit of lengths."""


def covariance_between(poses: Sequence[UncertainPose]) -> Array | None:
    """Return the covariance of the motion from the first pose to the last, or None if unknown.

    Args:
        poses: of all images from the one to the other, two at least, each with a pose.

    Returns:
        (6, 6): translation, then rotation, about the axes of the last camera.
    """
    last = poses[-1]
    total = _carried(poses[0].noise_covariance, poses[0], last) + last.noise_covariance
    for pose in poses[1:]:
        if pose.step_covariance is None:
            return None
        total = total + _carried(pose.step_covariance, pose, last)
    # A wrong unit makes the motion too long or too short as a whole.
    stretch = np.zeros(6)
    stretch[:3] = last.unit_deviation * _relative(poses[0], last)[:3, 3]
    return np.asarray(total + np.outer(stretch, stretch))


class IncrementCovariance:
    """Takes the results of successive images; returns the covariance of the motion between two."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Restart: the next image has no predecessor."""
        self._previous: OdometryResult | None = None

    def break_off(self) -> None:
        """Note that images are passed over: the next one has no predecessor."""
        self._previous = None

    def update(self, result: OdometryResult) -> Array | None:
        """Return the covariance of the motion from the image before, or None if it is not known.

        Args:
            result: of the next image.

        Returns:
            (6, 6) of T_previous_current: translation, then rotation, about the axes of the
            current camera.
        """
        previous, self._previous = self._previous, None
        if result.state is not State.TRACKING or result.T_world_camera is None:
            return None
        self._previous = result
        return None if previous is None else covariance_between([previous, result])


def _carried(covariance: Array, earlier: UncertainPose, later: UncertainPose) -> Array:
    """Return the covariance (6, 6) of an earlier pose about the axes of a later one."""
    return se3.carry(_relative(earlier, later), covariance)


def _relative(earlier: UncertainPose, later: UncertainPose) -> Array:
    assert earlier.T_world_camera is not None
    assert later.T_world_camera is not None
    T: Array = se3.inverse(later.T_world_camera) @ earlier.T_world_camera
    return T
