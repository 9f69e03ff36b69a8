"""A single camera begins: it waits for parallax, builds a map, and believes it once verified."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.matching import match
from aliked_ros.odometry.first_map import build
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.two_views import NoPair, look_for_parallax, look_for_rotation
from aliked_ros.odometry.view import PosedView, View
from aliked_ros.structs import Array, Matches

_MIN_MATCHES = 40
_MIN_VIEWS = 3  # two that make the map, and one between that confirms it
_MAX_VIEWS = 40  # after which it restarts
_MAX_ASTRAY = 2  # views in a row that agree on no motion with the first: it is out of sight


@dataclass(frozen=True, eq=False)
class Outlook:
    """How far the beginning has come.

    Attributes:
        reason: why there is no map yet; empty if there is.
        kind: of the motion since the first view.
        parallax_deg: median parallax since then.
        local_map: the map; its last keyframe is the newest view.
        is_far: the first view is too far away.
    """

    reason: str = ""
    kind: Motion = Motion.UNKNOWN
    parallax_deg: float = 0.0
    local_map: LocalMap | None = None
    is_far: bool = False


class Beginning:
    """Takes the views of a single camera until a map can be made of them.

    Args:
        config: thresholds and noise.
        matcher: how descriptors are paired.
        K: (3, 3) intrinsics of the rectified camera, px.
    """

    def __init__(self, config: OdometryConfig, matcher: MatcherConfig, K: Array) -> None:
        self._config, self._matcher, self._K = config, matcher, K
        self.forget()

    def forget(self) -> None:
        """Wait for a first view."""
        self._starts: list[PosedView] = []
        self._num_astray = 0

    @property
    def first(self) -> PosedView | None:
        """What the first map begins with; None: the next view may."""
        return self._starts[0] if self._starts else None

    def restart(self, start: PosedView) -> None:
        """Begin at a view."""
        self._starts, self._num_astray = [start], 0

    def look(self, start: PosedView, matches: Matches | None, median_depth: float) -> Outlook:
        """Take the next view.

        Args:
            start: the view, and the pose that it would have if the map began there.
            matches: of the first view with it.
            median_depth: that the landmarks of the first view are to have: the unit of length.
        """
        if self.first is None:
            self.restart(start)
            return Outlook("waiting for a second image with parallax")
        matched = MatchedViews.of(self.first.view, start.view, matches)
        if len(matched) < _MIN_MATCHES:
            self.restart(start)
            reason = f"only {len(matched)} matches with the first image, {_MIN_MATCHES} are needed"
            return Outlook(reason)
        self._starts.append(start)
        outlook = self._judge(matched, median_depth)
        is_astray = outlook.kind is Motion.UNKNOWN
        self._num_astray = self._num_astray + 1 if is_astray else 0
        if self._num_astray == _MAX_ASTRAY:
            self.restart(start)
            return outlook
        if outlook.is_far or (outlook.local_map is None and len(self._starts) > _MAX_VIEWS):
            del self._starts[: len(self._starts) // 2]  # a nearer view is the first one now
        return outlook

    def _judge(self, matched: MatchedViews, median_depth: float) -> Outlook:
        rotation = look_for_rotation(matched, self._K, self._config)
        if rotation is not None:
            verb = "stands still" if rotation.kind is Motion.NONE else "only turns"
            reason = f"the camera {verb}: a single one sees depth only when it moves sideways"
            return Outlook(reason, rotation.kind, rotation.parallax_deg)
        pair = look_for_parallax(matched, self._K, self._config)
        if isinstance(pair, NoPair):
            return Outlook(pair.reason, pair.kind, pair.parallax_deg, is_far=pair.is_far)
        if len(self._starts) < _MIN_VIEWS:
            reason = "waiting for a third image, which is to confirm the first two"
            return Outlook(reason, Motion.GENERAL, pair.parallax_deg)
        first = self.first
        assert first is not None
        between = self._between()
        pairs = [match(first.view.features, view.features, self._matcher) for view in between]
        others = [MatchedViews.of(first.view, v, m) for v, m in zip(between, pairs, strict=True)]
        local_map, reason = build(
            pair, others, first.T_world_view, first.covariance, median_depth, self._K, self._config
        )
        return Outlook(reason, Motion.GENERAL, pair.parallax_deg, local_map)

    def _between(self) -> list[View]:
        """Return views between the first and the last one, at the quarters of the way."""
        num = len(self._starts) - 1
        positions = sorted({round(num * part) for part in (0.25, 0.5, 0.75)} - {0, num})
        return [self._starts[position].view for position in positions]
