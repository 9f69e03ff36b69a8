"""How uncertain a pose is: as its keyframe, and by what was measured since."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array


class Uncertainty:
    """Remembers the keyframe that poses are measured against."""

    def __init__(self) -> None:
        self.restart(np.eye(4), np.zeros((6, 6)))

    def restart(self, T_world_keyframe: Array, covariance: Array) -> None:
        """Measure against a keyframe from now on.

        Args:
            T_world_keyframe: (4, 4) its pose as it is reported.
            covariance: (6, 6) of it: translation, then rotation, about the keyframe's axes.
        """
        self._T_world_keyframe, self._covariance = T_world_keyframe, covariance

    def of(self, T_world_view: Array, since: Array) -> Array:
        """Return the covariance (6, 6) of a pose; `since` is that of what was measured."""
        T_view_keyframe = se3.inverse(T_world_view) @ self._T_world_keyframe
        return se3.carry(T_view_keyframe, self._covariance) + since
