"""The views that a new image is compared with, and its matches with them."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.config import MatcherConfig
from aliked_ros.matching import match
from aliked_ros.odometry.view import View
from aliked_ros.structs import Features, Matches


@dataclass(frozen=True)
class FrameMatches:
    """The matches of a new image; None where there is no such view.

    Attributes:
        previous: with the previous image.
        keyframe: with the reference keyframe.
        lost_keyframe: with the keyframe from before the odometry was lost.
    """

    previous: Matches | None
    keyframe: Matches | None
    lost_keyframe: Matches | None


class References:
    """The previous view, the keyframe and, for a while after a loss, the keyframe before it.

    Attributes:
        previous: the image before, with or without a pose.
        keyframe: what poses are measured against.
        num_first_inliers: of the first image that was measured against the keyframe; 0 before.
        lost_keyframe: the keyframe that was not found again.
    """

    def __init__(self) -> None:
        self.previous: View | None = None
        self.keyframe: View | None = None
        self.num_first_inliers = 0
        self.lost_keyframe: View | None = None
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
            matches(self.previous), matches(self.keyframe), matches(self.lost_keyframe)
        )

    def set_keyframe(self, view: View) -> None:
        """Measure poses against another view from now on."""
        self.keyframe = view
        self.num_first_inliers = 0

    def lose_keyframe(self, num_attempts: int) -> None:
        """Remember the keyframe for this many images, in case the camera comes back."""
        self.lost_keyframe = self.keyframe
        self._num_attempts_left = num_attempts

    def find_keyframe(self) -> None:
        """Return to the lost keyframe."""
        if self.lost_keyframe is not None:
            self.set_keyframe(self.lost_keyframe)
        self.lost_keyframe = None

    def count_attempt(self) -> None:
        """Note that the lost keyframe was not found in an image."""
        self._num_attempts_left -= 1
        if self._num_attempts_left <= 0:
            self.lost_keyframe = None
