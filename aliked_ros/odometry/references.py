"""The views that a new image is compared with, and its matches with them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from aliked_ros.config import MatcherConfig
from aliked_ros.matching import match
from aliked_ros.odometry.view import View
from aliked_ros.structs import Features, Matches

_NUM_KNOWN = 5  # newest keyframes of the trajectory that are looked for after a loss


@dataclass(frozen=True, eq=False)
class FrameMatches:
    """The matches of a new image; None where there is no such view.

    Attributes:
        previous: with the previous image.
        keyframe: with the reference keyframe.
        lost: with each of the keyframes that are looked for.
    """

    previous: Matches | None
    keyframe: Matches | None
    lost: tuple[Matches | None, ...] = ()


class References:
    """The previous view, the keyframe and, for a while after a loss, the keyframes before it.

    Attributes:
        previous: the image before, with or without a pose.
        keyframe: what poses are measured against.
        num_first_inliers: of the first image that was measured against the keyframe; 0 before.
        lost: keyframes of the trajectory that broke off, newest first.
    """

    def __init__(self) -> None:
        self.previous: View | None = None
        self.keyframe: View | None = None
        self.num_first_inliers = 0
        self.lost: tuple[View, ...] = ()
        self._known: deque[View] = deque(maxlen=_NUM_KNOWN)
        self._num_attempts_left = 0

    def match(self, features: Features, config: MatcherConfig) -> FrameMatches:
        """Match the features of the next image with every view, but none twice."""
        found: dict[int, Matches] = {}

        def matches(view: View | None) -> Matches | None:
            if view is None:
                return None
            if view.stamp_ns not in found:
                found[view.stamp_ns] = match(view.features, features, config)
            return found[view.stamp_ns]

        return FrameMatches(
            matches(self.previous),
            matches(self.keyframe),
            tuple(matches(view) for view in self.lost),
        )

    def set_keyframe(self, view: View) -> None:
        """Measure poses against another view from now on."""
        self.keyframe = view
        self.num_first_inliers = 0

    def confirm(self, keyframe: View) -> None:
        """Note that an image was measured against the keyframe: it belongs to the trajectory."""
        if self._known and self._known[-1].stamp_ns == keyframe.stamp_ns:
            self._known.pop()
        self._known.append(keyframe)

    def lose(self, num_attempts: int) -> None:
        """Look for the keyframes of the trajectory in so many images.

        Who gets lost again meanwhile still looks for the trajectory that broke off first.
        """
        if not self.lost:
            self.lost = tuple(reversed(self._known))
            self._num_attempts_left = num_attempts
        self._known.clear()

    def find(self, view: View) -> None:
        """Return to one of the lost keyframes."""
        self.set_keyframe(view)
        self.lost = ()
        self._known.clear()

    def count_attempt(self) -> None:
        """Note that no lost keyframe was found in an image."""
        self._num_attempts_left -= 1
        if self._num_attempts_left <= 0:
            self.lost = ()
