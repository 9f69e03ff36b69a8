"""What one image led to."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.odometry.result import Motion, State
from aliked_ros.odometry.view import PosedView


@dataclass(frozen=True, eq=False)
class Step:
    """What one image led to.

    Attributes:
        state: whether the pose was measured.
        posed: the image with the pose that was measured, else the one that is predicted or held;
            None where there never was any.
        motion: against the reference keyframe.
        num_inliers: keypoints that support the pose.
        parallax_deg: median parallax against the keyframe.
        is_keyframe: the image became the reference.
        reason: one sentence unless tracking.
    """

    state: State
    posed: PosedView | None = None
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
    return Step(State.TRACKING, posed, motion, num_inliers, parallax_deg, is_keyframe)
