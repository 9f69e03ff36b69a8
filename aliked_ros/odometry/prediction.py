"""The last poses -> where the next image is expected: constant velocity."""

from __future__ import annotations

from collections import deque

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array

_LEAST_SPEED = 0.2, 0.2  # of a camera in a hand, unit per s and rad per s
_MAX_AHEAD = 3.0  # times the last gap between images: further ahead the velocity is a guess


class ConstantVelocity:
    """Remembers the last two poses; a camera goes on as it moved between them."""

    def __init__(self) -> None:
        self.forget()

    def observe(self, stamp_ns: int, T_world_view: Array) -> None:
        """Note the pose of the newest image."""
        self._poses.append((stamp_ns, T_world_view))
        if len(self._poses) == 2:
            (_, T_world_before), _ = self._poses
            self._moved = se3.log(se3.inverse(T_world_before) @ T_world_view)

    def forget(self) -> None:
        """Expect nothing until poses are known again."""
        self._poses: deque[tuple[int, Array]] = deque(maxlen=2)
        self._moved = np.zeros(6)  # twist from the first pose to the second, in its axes

    def move(self, correction: Array) -> None:
        """Move the poses along with the world: correction (4, 4) is their left factor."""
        moved = [(stamp_ns, correction @ T) for stamp_ns, T in self._poses]
        self._poses = deque(moved, maxlen=2)

    def speed(self) -> tuple[float, float]:
        """Return how fast the camera moved between the last two poses: unit per s, rad per s."""
        if len(self._poses) < 2:
            return _LEAST_SPEED
        moved, gap_s = self._moved, (self._poses[1][0] - self._poses[0][0]) * 1e-9
        return float(np.linalg.norm(moved[:3])) / gap_s, float(np.linalg.norm(moved[3:])) / gap_s

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
        gap_ns = newest_ns - self._poses[0][0]
        T_world_view = self._moved_on(min(stamp_ns - newest_ns, _MAX_AHEAD * gap_ns))
        if R_newest_view is None:
            return T_world_view
        R_world_view = T_world_newest[:3, :3] @ R_newest_view
        return se3.from_rotation_translation(R_world_view, T_world_view[:3, 3])

    def coast(self, seconds: float, R_newest_view: Array | None = None) -> tuple[Array, Array]:
        """Return where the camera is while nobody sees it.

        The velocity is taken for a random walk that changes by as much as itself in a second:
        what is not known grows with the time to the power of 3/2.

        Args:
            seconds: since the newest pose; there is one.
            R_newest_view: (3, 3) how the camera turned since then, by another sensor.

        Returns:
            T_world_view (4, 4), and what is not known of it (6, 6): translation, then rotation,
            about the axes of the view.
        """
        T_world_newest = self._poses[-1][1]
        T_world_view = self._moved_on(seconds * 1e9)
        if R_newest_view is not None:
            R_world_view = T_world_newest[:3, :3] @ R_newest_view
            T_world_view = se3.from_rotation_translation(R_world_view, T_world_view[:3, 3])
        rates = np.maximum(self.speed(), _LEAST_SPEED)
        sigmas = rates * seconds**1.5 / np.sqrt(3)
        return T_world_view, np.diag(np.repeat(sigmas, 3) ** 2)

    def _moved_on(self, ahead_ns: float) -> Array:
        """Return the newest pose (4, 4), moved on at the last velocity."""
        (before_ns, _), (newest_ns, T_world_newest) = self._poses[0], self._poses[-1]
        if before_ns == newest_ns:
            return T_world_newest
        return T_world_newest @ se3.exp(ahead_ns / (newest_ns - before_ns) * self._moved)
