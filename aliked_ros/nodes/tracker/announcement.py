"""One line in the log when tracking begins and when it is found again; a loss is a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aliked_ros.odometry.result import State

if TYPE_CHECKING:
    from aliked_ros.nodes.tracker.status import Outcome

_QUIET_S = 2.0  # a state that flickers is not told each time


class Announcement:
    """Says that tracking has begun, or has begun again.

    Args:
        say: writes a line.
        now_s: the time, seconds.
    """

    def __init__(self, say: Callable[[str], object], now_s: Callable[[], float]) -> None:
        self._say, self._now_s = say, now_s
        self._has_begun = False
        self._num_without = 0
        self._told_s = float("-inf")

    def note(self, outcome: Outcome) -> None:
        """Take what became of the newest image."""
        result = outcome.result
        if result is None or result.state is not State.TRACKING or outcome.reason:
            self._num_without += 1
            return
        num_without, self._num_without = self._num_without, 0
        if self._has_begun and not num_without:
            return
        is_quiet = self._now_s() - self._told_s < _QUIET_S
        if self._has_begun and is_quiet:
            return
        what = f"again after {num_without} images" if self._has_begun else "has begun"
        self._has_begun, self._told_s = True, self._now_s()
        self._say(
            f"tracking {what}: {result.num_inliers} of {result.num_keypoints} keypoints agree"
        )
