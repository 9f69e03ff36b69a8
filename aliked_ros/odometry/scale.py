"""The length of a single camera's unit: a median of ratios; those to another odometry's path."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from aliked_ros.structs import Array

_MAX_WAITING = 300  # poses that wait for the other odometry to catch up
_MAX_REFERENCES = 3000
_NORMAL = 1.4826  # standard deviation of a normal variable over its median absolute deviation
_OF_MEDIAN = 1.2533  # standard deviation of a median over that of a mean, many samples


@dataclass(frozen=True)
class Scale:
    """Metres per unit.

    Attributes:
        value: metres per unit.
        sigma: its standard deviation, from how much the measurements of it differ.
    """

    value: float
    sigma: float


class MedianScale:
    """The median of the newest measurements of a scale: some wrong ones do no harm.

    Args:
        num_newest: measurements that count.
        min_needed: measurements that are needed.
        are_independent: whether the median is better known than each of them.
    """

    def __init__(
        self, num_newest: int = 25, min_needed: int = 5, are_independent: bool = True
    ) -> None:
        self.min_needed = min_needed
        self._are_independent = are_independent
        self._ratios: deque[float] = deque(maxlen=num_newest)

    def __len__(self) -> int:
        return len(self._ratios)

    def add(self, ratio: float, *, replaces_newest: bool = False) -> None:
        """Take a measurement, metres per unit; it may be a better one of the same thing."""
        if replaces_newest and self._ratios:
            self._ratios.pop()
        self._ratios.append(ratio)

    def clear(self) -> None:
        """Forget all measurements."""
        self._ratios.clear()

    def scale(self) -> Scale | None:
        """Return the scale, or None while there are too few measurements."""
        if len(self._ratios) < self.min_needed:
            return None
        ratios = np.array(self._ratios)
        value = float(np.median(ratios))
        spread = _NORMAL * float(np.median(np.abs(ratios - value)))
        if not self._are_independent:
            return Scale(value, spread)
        return Scale(value, _OF_MEDIAN * spread / float(np.sqrt(len(ratios))))


class ScaleEstimator:
    """Compares the lengths of the same parts of a path, once in units and once in metres.

    A part ends when the other odometry has gone `part_m` from its beginning; its length is the
    distance of the two ends, which neither the frame nor the turning of an odometry changes. The
    scale is the median of the ratios over the newest parts: some wrong ones, of a wheel that
    slipped or of a jump, do no harm.

    Args:
        part_m: length of a part, metres; well above the noise of the other odometry.
        num_parts: newest parts that count.
        min_parts: parts that are needed.
    """

    def __init__(self, part_m: float, num_parts: int = 25, min_parts: int = 5) -> None:
        if not part_m > 0 or not 1 <= min_parts <= num_parts:
            raise ValueError(
                f"part_m is {part_m}, min_parts is {min_parts}, num_parts is {num_parts}: "
                "give a positive length and 1 <= min_parts <= num_parts"
            )
        self._part_m = part_m
        self.ratios = MedianScale(num_parts, min_parts)
        self._references: deque[tuple[int, Array]] = deque(maxlen=_MAX_REFERENCES)
        self._waiting: deque[tuple[int, Array]] = deque(maxlen=_MAX_WAITING)
        self._begin: tuple[Array, Array] | None = None  # of the current part: units, metres

    def add_reference(self, stamp_ns: int, position_m: Array) -> None:
        """Take a position (3,) of the camera from the other odometry, metres.

        Stamps increase; one that does not begins a new path.
        """
        if self._references and stamp_ns <= self._references[-1][0]:
            self._references.clear()
            self._begin = None
        self._references.append((stamp_ns, position_m))

    def add(self, stamp_ns: int, position: Array) -> None:
        """Take a position (3,) of the camera from our odometry, in its unit."""
        self._waiting.append((stamp_ns, position))
        while self._waiting and self._references and self._waiting[0][0] <= self._references[-1][0]:
            stamp_ns, position = self._waiting.popleft()
            position_m = self._reference_at(stamp_ns)
            if position_m is not None:
                self._compare(position, position_m)

    def break_off(self) -> None:
        """Note that the path has a gap: no part goes across it."""
        self._begin = None
        self._waiting.clear()

    def forget(self) -> None:
        """Note that our unit may be another one from now on."""
        self.break_off()
        self.ratios.clear()

    def scale(self) -> Scale | None:
        """Return the scale, or None while there are too few parts."""
        return self.ratios.scale()

    def _reference_at(self, stamp_ns: int) -> Array | None:
        """Return the other odometry's position (3,) at a stamp; None before its first one."""
        while len(self._references) > 1 and self._references[1][0] <= stamp_ns:
            self._references.popleft()
        before_ns, before = self._references[0]
        if stamp_ns == before_ns:
            return before
        if stamp_ns < before_ns or len(self._references) == 1:
            return None
        after_ns, after = self._references[1]
        share = (stamp_ns - before_ns) / (after_ns - before_ns)
        return before + share * (after - before)

    def _compare(self, position: Array, position_m: Array) -> None:
        """Carry the current part on, and end it if it is long enough."""
        if self._begin is None:
            self._begin = (position, position_m)
            return
        length = float(np.linalg.norm(position - self._begin[0]))
        length_m = float(np.linalg.norm(position_m - self._begin[1]))
        if length_m < self._part_m:
            return
        self._begin = (position, position_m)
        if length > 0:
            self.ratios.add(length_m / length)
