"""Nothing known is in sight: where the camera may be, and how a map begins there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.acceptance import first_keyframe, turned
from aliked_ros.odometry.beginning import Beginning
from aliked_ros.odometry.frame_matches import FrameMatches
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.prediction import ConstantVelocity
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, Motion, State
from aliked_ros.odometry.step import Step, tracking
from aliked_ros.odometry.two_views import look_for_rotation
from aliked_ros.odometry.view import PosedView, View
from aliked_ros.structs import Array


@dataclass(frozen=True, eq=False)
class Started:
    """What an image led to that shows nothing known.

    Attributes:
        step: its state and pose.
        local_map: a new map, if one begins with it; that of measured depths has no landmarks yet.
    """

    step: Step
    local_map: LocalMap | None = None


class Starting:
    """Begins maps: at once by measured depths, or when a single camera has seen enough.

    Args:
        config: thresholds, noise and kind of sensor.
        matcher: how descriptors are paired.
        K: (3, 3) intrinsics of the rectified camera, px.
        prediction: of the motion.
    """

    def __init__(
        self,
        config: OdometryConfig,
        matcher: MatcherConfig,
        K: Array,
        prediction: ConstantVelocity,
    ) -> None:
        self._config, self._K, self._prediction = config, K, prediction
        self._beginning = Beginning(config, matcher, K)

    @property
    def first(self) -> PosedView | None:
        """The view that a single camera's next map may begin with, or None."""
        return self._beginning.first

    def forget(self) -> None:
        """Note that no map needs to begin."""
        self._beginning.forget()

    def turn(
        self, view: View, posed: PosedView, matches: FrameMatches, median_depth: float
    ) -> Started | None:
        """Follow a single camera that turns away from all landmarks; a map may begin meanwhile.

        Args:
            view: the image.
            posed: the image before.
            matches: of the image.
            median_depth: of what the camera saw last.

        Returns:
            None if it does not only turn.
        """
        if self._config.sensor != "mono":
            return None
        matched = MatchedViews.of(posed.view, view, matches.previous)
        rotation = look_for_rotation(matched, self._K, self._config)
        if rotation is None:
            return None
        if self.first is None:
            self._beginning.restart(posed)
        posed = turned(posed, view, rotation, median_depth, self._K, self._config)
        outlook = self._beginning.look(posed, matches.first, median_depth)
        if outlook.local_map is not None:
            return _begun(outlook.local_map, outlook.parallax_deg)
        parallax_deg = rotation.parallax_deg
        return Started(tracking(posed, rotation.kind, rotation.num_inliers, parallax_deg))

    def begin(
        self, view: View, posed: PosedView | None, matches: FrameMatches, median_depth: float
    ) -> Started:
        """Begin a map at an image, or wait for a better one.

        Args:
            view: the image.
            posed: the last image whose pose was measured, or None.
            matches: of the image.
            median_depth: of what the camera saw last.
        """
        start, state = self._where(view, posed)
        held = None if state is State.INITIALISING else start
        if self._config.sensor != "mono":
            return self._with_depth(start, state, held)
        outlook = self._beginning.look(start, matches.first, median_depth)
        if outlook.local_map is not None:
            return _begun(outlook.local_map, outlook.parallax_deg)
        kind, parallax_deg = outlook.kind, outlook.parallax_deg
        return Started(Step(state, held, kind, 0, parallax_deg, reason=outlook.reason))

    def hold(self, view: View, posed: PosedView | None, step: Step, reason: str) -> Step:
        """Return a step whose pose is not believed, with the pose where the camera may be.

        Args:
            view: the image.
            posed: the last image whose pose was measured, or None.
            step: what the image led to.
            reason: why it is not believed.
        """
        start, state = self._where(view, posed)
        held = None if state is State.INITIALISING else start
        return replace(step, state=state, posed=held, is_keyframe=False, reason=reason)

    def _where(self, view: View, posed: PosedView | None) -> tuple[PosedView, State]:
        """Return where the camera may be since its pose was measured; at first the origin."""
        if posed is None:
            return PosedView(view, np.eye(4), np.zeros((6, 6))), State.INITIALISING
        seconds = (view.stamp_ns - posed.view.stamp_ns) * 1e-9
        limit_s = self._config.coast_s
        turn = view.turn_from(posed.view)
        T_world_view, unknown = self._prediction.coast(min(seconds, limit_s), turn)
        if seconds > limit_s:
            return PosedView(view, T_world_view, UNKNOWN_COVARIANCE), State.LOST
        T_view_posed = se3.inverse(T_world_view) @ posed.T_world_view
        covariance = se3.carry(T_view_posed, posed.covariance) + unknown
        return PosedView(view, T_world_view, covariance), State.PREDICTED

    def _with_depth(self, start: PosedView, state: State, held: PosedView | None) -> Started:
        """Make a view the first keyframe of a map, by its measured depths."""
        num, needed = start.view.num_depths, self._config.min_inliers
        if num < needed:
            reason = f"{num} keypoints with depth, {needed} are needed"
            return Started(Step(state, held, reason=reason))
        local_map = LocalMap(start.view.descriptors.shape[1])
        local_map.append(first_keyframe(start))
        if held is None:
            return Started(tracking(start, Motion.NONE, num, is_keyframe=True), local_map)
        reason = "nothing known is in sight, restarting where the camera may be"
        return Started(Step(state, held, is_keyframe=True, reason=reason), local_map)


def _begun(local_map: LocalMap, parallax_deg: float) -> Started:
    """Return the newest image in the first map of a single camera."""
    newest = local_map.newest
    posed = PosedView(newest.view, newest.T_world_view, newest.covariance)
    return Started(tracking(posed, Motion.GENERAL, len(newest.linked), is_keyframe=True), local_map)
