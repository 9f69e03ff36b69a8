"""How uncertain the motion between two successive images is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aliked_ros.geometry import se3
from aliked_ros.odometry.result import OdometryResult, State

Array = NDArray[np.float64]

_TOLERANCE = (
    1e-6  # negative eigenvalues of a covariance, relative to the largest, that are rounding
)


class IncrementCovariance:
    """Takes the results of successive images; returns the covariance of the motion between two.

    The covariance of a pose is that of its keyframe and that of the motion since; the first part
    is the same for all images of one keyframe and cancels in the difference of two poses. What is
    left are the motions since the keyframe of both images, which are measured independently.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: the next image has no predecessor."""
        self._keyframe: OdometryResult | None = None
        self._previous: OdometryResult | None = None
        self._since_keyframe: Array | None = None  # of the previous image, in its own axes

    def break_off(self) -> None:
        """Note that images are passed over: the next one has no predecessor."""
        self._previous = None

    def update(self, result: OdometryResult) -> Array | None:
        """Return the covariance of the motion from the image before, or None if nobody knows it.

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
        since = self._motion_since_keyframe(result)
        increment = None
        if since is not None and self._since_keyframe is not None and self._previous is not None:
            increment = since + _carried(self._since_keyframe, self._previous, result)
        self._previous = result
        if result.is_keyframe:
            self._keyframe, self._since_keyframe = result, np.zeros((6, 6))
        else:
            self._since_keyframe = since
        return increment

    def _motion_since_keyframe(self, result: OdometryResult) -> Array | None:
        """Return the part of a pose's covariance that the keyframe has not; None if there is none.

        There is none where the pose was measured against something else than the keyframe.
        """
        if self._keyframe is None:
            return None
        since = result.covariance - _carried(self._keyframe.covariance, self._keyframe, result)
        smallest, largest = np.linalg.eigvalsh(since)[[0, -1]]
        return since if smallest >= -_TOLERANCE * abs(largest) else None


def _carried(covariance: Array, earlier: OdometryResult, later: OdometryResult) -> Array:
    """Return the covariance (6, 6) of an earlier pose about the axes of a later one."""
    assert earlier.T_world_camera is not None
    assert later.T_world_camera is not None
    adjoint = se3.adjoint(se3.inverse(later.T_world_camera) @ earlier.T_world_camera)
    return np.asarray(adjoint @ covariance @ adjoint.T)
