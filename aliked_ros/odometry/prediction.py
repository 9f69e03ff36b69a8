"""The last poses -> where the next image is expected: constant velocity."""

from __future__ import annotations

from collections import deque

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array

_UNKNOWN_SPEED = 0.2, 0.2  # of a camera in a hand, unit per s and rad per s
_MAX_AHEAD = 3.0  # times the last gap between images: further ahead the velocity is a guess


class ConstantVelocity:
    """Remembers the last two poses; a camera goes on as it moved between them."""

    def __init__(self) -> None:
        self.forget()

    def observe(self, stamp_ns: int, T_world_view: Array) -> None:
        """Note the pose of the newest image."""
        self._poses.append((stamp_ns, T_world_view))

    def forget(self) -> None:
        """Expect nothing until poses are known again."""
        self._poses: deque[tuple[int, Array]] = deque(maxlen=2)

    def move(self, correction: Array) -> None:
        """Move the poses along with the world: correction (4, 4) is their left factor."""
        moved = [(stamp_ns, correction @ T) for stamp_ns, T in self._poses]
        self._poses = deque(moved, maxlen=2)

    def speed(self) -> tuple[float, float]:
        """Return how fast the camera moved between the last two poses: unit per s, rad per s."""
        if len(self._poses) < 2:
            return _UNKNOWN_SPEED
        (before_ns, T_world_before), (newest_ns, T_world_newest) = self._poses
        moved = (
            se3.log(se3.inverse(T_world_before) @ T_world_newest) * 1e9 / (newest_ns - before_ns)
        )
        return float(np.linalg.norm(moved[:3])), float(np.linalg.norm(moved[3:]))

    def predict(self, stamp_ns: int, R_newest_view: Array | None = None) -> Array | None:
        """Return where the camera is expected at a later stamp.

        One pose alone stays. After a long gap the camera is expected where _MAX_AHEAD leads.

        Args:
            stamp_ns: of the image.
            R_newest_view: (3, 3) how the camera turned since the newest pose, by another sensor.

        Returns:
            T_world_view (4, 4), or None if there is nothing to go by.
        """
        if not self._poses:
            return None
        newest_ns, T_world_newest = self._poses[-1]
        T_world_view = T_world_newest
        if len(self._poses) == 2:
            before_ns, T_world_before = self._poses[0]
            ahead = min((stamp_ns - newest_ns) / (newest_ns - before_ns), _MAX_AHEAD)
            moved = se3.log(se3.inverse(T_world_before) @ T_world_newest)
            T_world_view = T_world_newest @ se3.exp(ahead * moved)
        if R_newest_view is None:
            return T_world_view
        R_world_view = T_world_newest[:3, :3] @ R_newest_view
        return se3.from_rotation_translation(R_world_view, T_world_view[:3, 3])
