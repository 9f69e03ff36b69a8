"""What one image led to."""

from __future__ import annotations

from dataclasses import dataclass, field

from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, Motion, State
from aliked_ros.odometry.view import PosedView
from aliked_ros.structs import Array


@dataclass(frozen=True, eq=False)
class Step:
    """What one image led to.

    Attributes:
        state: whether the pose was measured.
        T_world_view: (4, 4) the pose that was measured; None if none was.
        covariance: (6, 6) of it: translation, then rotation, about the axes of the view.
        motion: against the reference keyframe.
        num_inliers: keypoints that support the pose.
        parallax_deg: median parallax against the keyframe.
        is_keyframe: the image became the reference.
        reason: one sentence unless tracking.
    """

    state: State
    T_world_view: Array | None = None
    covariance: Array = field(default_factory=UNKNOWN_COVARIANCE.copy)
    motion: Motion = Motion.UNKNOWN
    num_inliers: int = 0
    parallax_deg: float = 0.0
    is_keyframe: bool = False
    reason: str = ""


def tracking(
    posed: PosedView,
    motion: Motion,
    num_inliers: int,
    parallax_deg: float = 0.0,
    is_keyframe: bool = False,
) -> Step:
    """Return the step of an image whose pose was measured."""
    return Step(
        State.TRACKING, posed.T_world_view, posed.covariance, motion, num_inliers, parallax_deg,
        is_keyframe,
    )  # fmt: skip
