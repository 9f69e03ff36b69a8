"""Which images are worked on, and with how many keypoints, so that a rate is held."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

_LEVEL_RATIO = 0.9  # keypoints of a level, as part of the level above
_MAX_LEVELS_DOWN = 4
_LOWER_AFTER, _RAISE_AFTER = 5, 15  # frames: quick to give way, slow to come back
# Between _ROOM and 1, as parts of the period, nothing changes. A level up costs at most 1 / 0.9^2
# of the time (matching grows with the square of the number): from below 0.8 to below 1.
_ROOM, _AIM = 0.8, 0.9


class RateLimit:
    """Takes at most `max_rate_hz` of the images that come, on average.

    Images are due at equal distances. One may come a quarter of a period early, or late by up to
    a period without moving the next one: jitter costs no image, and 15 Hz can become 10 Hz.
    """

    def __init__(self, max_rate_hz: float) -> None:
        self._period_s = 1 / max_rate_hz if max_rate_hz > 0 else 0.0
        self._due_s = -math.inf

    def takes(self, now_s: float) -> bool:
        """Return whether an image that comes now is to be worked on."""
        if now_s < self._due_s - self._period_s / 4:
            return False
        is_on_schedule = now_s - self._due_s <= self._period_s
        self._due_s = (self._due_s if is_on_schedule else now_s) + self._period_s
        return True


class KeypointBudget:
    """Lowers the number of keypoints while frames take longer than a rate allows.

    The number moves on a ladder of levels, each 0.9 of the one above, from `max_keypoints` down
    to `min_keypoints`: a network that prepares itself for a number sees few of them. The median
    time of some frames decides: above the period it goes down, by as many levels as would suffice
    if time were proportional to keypoints; below 0.8 of the period, one level up; in between
    nothing changes. Where the time hardly depends on the number, it ends at the floor and stays
    there.

    Attributes:
        target_rate_hz: 0 switches the budget off: `max_keypoints` then holds.
        num_keypoints: the active number.
        frame_s: median time of the latest frames at this number; 0 before it is known.
    """

    def __init__(self, max_keypoints: int, min_keypoints: int, target_rate_hz: float) -> None:
        self.target_rate_hz = target_rate_hz
        self._max_keypoints = max_keypoints
        self._min_keypoints = min(min_keypoints, max_keypoints)
        share = self._min_keypoints / max_keypoints
        self._num_levels = math.ceil(math.log(share) / math.log(_LEVEL_RATIO) - 1e-9)
        self._level = 0
        self._frames_s: deque[float] = deque(maxlen=_RAISE_AFTER)
        self.num_keypoints = max_keypoints
        self.frame_s = 0.0

    @property
    def is_exhausted(self) -> bool:
        """Whether the floor is reached and frames still take too long."""
        is_slow = self.frame_s * self.target_rate_hz > 1
        return is_slow and self.num_keypoints == self._min_keypoints

    def update(self, frame_s: float) -> int:
        """Take the time that a frame took; return by how much the number of keypoints changed."""
        if self.target_rate_hz == 0:
            return 0
        self._frames_s.append(frame_s)
        if len(self._frames_s) < _LOWER_AFTER:
            return 0
        # The newest frames, so that a machine that gets busy is answered at once.
        self.frame_s = median(list(self._frames_s)[-_LOWER_AFTER:])
        used = self.frame_s * self.target_rate_hz
        if used > 1:
            levels = math.ceil(math.log(_AIM / used) / math.log(_LEVEL_RATIO))
            return self._move_to(self._level + min(levels, _MAX_LEVELS_DOWN))
        has_room = len(self._frames_s) == _RAISE_AFTER and (
            median(self._frames_s) * self.target_rate_hz < _ROOM
        )
        return self._move_to(self._level - 1) if used < _ROOM and has_room else 0

    def _move_to(self, level: int) -> int:
        """Go to a level of the ladder; what was measured at the old one no longer counts."""
        before = self.num_keypoints
        self._level = min(max(level, 0), self._num_levels)
        number = round(self._max_keypoints * _LEVEL_RATIO**self._level)
        self.num_keypoints = max(number, self._min_keypoints)
        if self.num_keypoints != before:
            self._frames_s.clear()
        return self.num_keypoints - before
