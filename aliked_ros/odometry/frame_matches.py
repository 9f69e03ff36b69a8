"""The matches of a new image with the views that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.config import MatcherConfig
from aliked_ros.matching import match
from aliked_ros.odometry.view import View
from aliked_ros.structs import Features, Matches


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


def match_views(
    features: Features,
    previous: View | None,
    keyframe: View | None,
    lost: tuple[View, ...],
    config: MatcherConfig,
) -> FrameMatches:
    """Match the features of the next image with every view, but none twice."""
    found: dict[int, Matches] = {}

    def matches(view: View | None) -> Matches | None:
        if view is None:
            return None
        if view.stamp_ns not in found:
            found[view.stamp_ns] = match(view.features, features, config)
        return found[view.stamp_ns]

    return FrameMatches(matches(previous), matches(keyframe), tuple(matches(v) for v in lost))
