"""How uncertain the motion between two images is, from the covariances of their poses."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.structs import Array

# Negative eigenvalues of a covariance, relative to the largest, that are rounding.
_TOLERANCE = 1e-6


class UncertainPose(Protocol):
    """A pose that was reported, with its covariance."""

    @property
    def T_world_camera(self) -> Array | None:
        """(4, 4), or None where there is none."""

    @property
    def covariance(self) -> Array:
        """(6, 6) translation, then rotation, about the axes of the camera."""


def covariance_between(
    keyframe: UncertainPose, earlier: UncertainPose, later: UncertainPose
) -> Array | None:
    """Return the covariance of the motion between two poses, or None if it is not known.

    The covariance of a pose is that of its keyframe and that of the motion since; the first part
    is the same for both poses and cancels in their difference. What is left are the motions since
    that keyframe, which are measured independently.

    Args:
        keyframe: what the earlier pose was measured against; the earlier pose itself if that is a
            keyframe. The later pose was measured against it or a keyframe that follows from it.
        earlier: a pose.
        later: another one.

    Returns:
        (6, 6) of T_earlier_later: translation, then rotation, about the axes of the later camera.
        None where a pose was measured against something else than the keyframe.
    """
    parts = _since(keyframe, earlier), _since(keyframe, later)
    if parts[0] is None or parts[1] is None:
        return None
    return _carried(parts[0], earlier, later) + parts[1]


class IncrementCovariance:
    """Takes the results of successive images; returns the covariance of the motion between two."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Restart: the next image has no predecessor."""
        self._keyframe: OdometryResult | None = None
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
        if result.state is not State.TRACKING or result.T_world_camera is None:
            self.forget()
            if result.is_keyframe and result.T_world_camera is not None:
                self._keyframe = result
            return None
        increment = None
        if self._keyframe is not None and self._previous is not None:
            increment = covariance_between(self._keyframe, self._previous, result)
        self._previous = result
        if result.is_keyframe:
            self._keyframe = result
        return increment


def _since(keyframe: UncertainPose, pose: UncertainPose) -> Array | None:
    """Return the part of a pose's covariance that the keyframe has not; None if there is none."""
    if pose is keyframe:
        return np.zeros((6, 6))
    since = pose.covariance - _carried(keyframe.covariance, keyframe, pose)
    smallest, largest = np.linalg.eigvalsh(since)[[0, -1]]
    return np.asarray(since) if smallest >= -_TOLERANCE * abs(largest) else None


def _carried(covariance: Array, earlier: UncertainPose, later: UncertainPose) -> Array:
    """Return the covariance (6, 6) of an earlier pose about the axes of a later one."""
    assert earlier.T_world_camera is not None
    assert later.T_world_camera is not None
    return se3.carry(se3.inverse(later.T_world_camera) @ earlier.T_world_camera, covariance)
