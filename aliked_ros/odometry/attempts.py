"""What the pose of a new image may follow from, in the order of trust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from aliked_ros.geometry import se3
from aliked_ros.odometry.frame_matches import FrameMatches
from aliked_ros.odometry.guided_matching import guided
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array


class Attempt(NamedTuple):
    """Pairs of a reference with depths and the new view.

    Attributes:
        matched: the pairs.
        trusts_prior: the rotation is known from another sensor; fewer inliers suffice.
    """

    matched: MatchedViews
    trusts_prior: bool = False


def attempts(
    view: View,
    matches: FrameMatches,
    keyframe: View | None,
    previous: View | None,
    T_world_expected: Array | None,
    K: Array,
    radius_px: float,
) -> Iterator[Attempt]:
    """Yield attempts; each is made only when the one before has failed.

    Args:
        view: the new image.
        matches: its matches with the references.
        keyframe: the reference; nothing is tried unless it has depths.
        previous: the image before.
        T_world_expected: (4, 4) where the image is expected, or None.
        K: (3, 3) intrinsics of the rectified camera, px.
        radius_px: how wrong the expectation may be; 0: it is not used.
    """
    if keyframe is None or not keyframe.has_depth:
        return
    by_keyframe = MatchedViews.of(keyframe, view, matches.keyframe)
    if T_world_expected is not None and radius_px > 0:
        T_view_keyframe = se3.inverse(T_world_expected) @ keyframe.pose
        near = guided(by_keyframe, T_view_keyframe, K, radius_px)
        if near is not None:
            yield Attempt(near)
    yield Attempt(by_keyframe)
    if previous is not None and previous.is_measured:
        yield Attempt(MatchedViews.of(previous, view, matches.previous))
    yield Attempt(by_keyframe, trusts_prior=True)
