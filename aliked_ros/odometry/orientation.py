"""Stamped orientations of an inertial sensor -> how the camera turned between two images."""

from __future__ import annotations

from collections import deque

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array

_MAX_ORIENTATIONS = 4000  # that wait to be asked for: 10 s at 400 Hz
_NUM_COMPARED = 50  # newest turns whose difference counts


class OrientationBuffer:
    """Answers the orientation at a stamp from those before and after it.

    Nothing is extrapolated, and nothing is interpolated over a gap.

    Args:
        max_gap_s: orientations further apart than this are not interpolated.

    Attributes:
        num_dropped: orientations that were not later than the one before.
    """

    def __init__(self, max_gap_s: float = 0.1) -> None:
        self._max_gap_ns = round(max_gap_s * 1e9)
        self._known: deque[tuple[int, Array]] = deque(maxlen=_MAX_ORIENTATIONS)
        self.num_dropped = 0

    def add(self, stamp_ns: int, R_inertial_sensor: Array) -> None:
        """Take an orientation (3, 3); one that is a second older than the newest starts over."""
        if self._known and stamp_ns <= self._known[-1][0]:
            if stamp_ns > self._known[-1][0] - 1_000_000_000:
                self.num_dropped += 1
                return
            self._known.clear()
        self._known.append((stamp_ns, R_inertial_sensor))

    def at(self, stamp_ns: int) -> Array | None:
        """Return the orientation (3, 3) at a stamp, or None if it is not covered.

        Stamps that are asked for increase: what lies before one is forgotten.
        """
        while len(self._known) > 1 and self._known[1][0] <= stamp_ns:
            self._known.popleft()
        if not self._known or stamp_ns < self._known[0][0]:
            return None
        before_ns, before = self._known[0]
        if stamp_ns == before_ns:
            return before
        if len(self._known) == 1 or self._known[1][0] - before_ns > self._max_gap_ns:
            return None
        after_ns, after = self._known[1]
        share = (stamp_ns - before_ns) / (after_ns - before_ns)
        return before @ se3.exp_so3(share * se3.log_so3(before.T @ after))


class Agreement:
    """Compares how the sensor and the images say that the camera turned, image by image.

    A sensor that is mounted otherwise than one thinks, or whose clock is another one, shows.
    """

    def __init__(self) -> None:
        self._previous: tuple[Array, Array] | None = None
        self._differences_deg: deque[float] = deque(maxlen=_NUM_COMPARED)

    def add(self, R_inertial_camera: Array | None, R_world_camera: Array | None) -> None:
        """Take the orientations (3, 3) at the next image; None where one is not measured."""
        if R_inertial_camera is None or R_world_camera is None:
            self._previous = None
            return
        if self._previous is not None:
            inertial, world = self._previous
            by_sensor = R_inertial_camera.T @ inertial
            by_images = R_world_camera.T @ world
            self._differences_deg.append(se3.rotation_angle_deg(by_sensor @ by_images.T))
        self._previous = R_inertial_camera, R_world_camera

    def forget(self) -> None:
        """Note that the images' world is another one from now on."""
        self._previous = None
        self._differences_deg.clear()

    @property
    def difference_deg(self) -> float | None:
        """Median difference of the turns between images, deg; None before there are enough."""
        if len(self._differences_deg) < _NUM_COMPARED // 2:
            return None
        return float(np.median(self._differences_deg))
