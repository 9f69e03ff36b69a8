"""The matches of a new image with the views that it is compared with as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.config import MatcherConfig
from aliked_ros.matching import match
from aliked_ros.odometry.view import PosedView, View
from aliked_ros.structs import Features, Matches


@dataclass(frozen=True, eq=False)
class FrameMatches:
    """The matches of a new image; None where there is no such view.

    Attributes:
        previous: with the previous image.
        first: with the view that a single camera begins at.
    """

    previous: Matches | None
    first: Matches | None


def match_views(
    features: Features, previous: View | None, first: PosedView | None, config: MatcherConfig
) -> FrameMatches:
    """Match the features of the next image with those of the views that there are."""
    with_previous = None if previous is None else match(previous.features, features, config)
    if first is None:
        return FrameMatches(with_previous, None)
    if first.view is previous:
        return FrameMatches(with_previous, with_previous)
    return FrameMatches(with_previous, match(first.view.features, features, config))
