"""What one image led to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aliked_ros.odometry.estimated_motion import EstimatedMotion
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.result import Motion, State
from aliked_ros.odometry.view import View


@dataclass(frozen=True, eq=False)
class Measured:
    """A motion from a reference to the new view, and the pairs that it was measured with."""

    matched: MatchedViews
    motion: EstimatedMotion


@dataclass(frozen=True, eq=False)
class Step:
    """What one image led to.

    Attributes:
        view: the image; with a pose if it became a keyframe or the pose was measured.
        state: whether the pose was measured.
        motion: kind of motion.
        num_inliers: keypoints that support the pose.
        parallax_deg: median parallax against the keyframe.
        is_keyframe: the image became the reference.
        reason: one sentence unless tracking.
    """

    view: View
    state: State
    motion: Motion = Motion.UNKNOWN
    num_inliers: int = 0
    parallax_deg: float = 0.0
    is_keyframe: bool = False
    reason: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the pose is an older one."""
        return self.state is not State.TRACKING

    def with_motion(self, motion: Motion, parallax_deg: float) -> Step:
        """Return this step with what is known of the motion all the same."""
        return replace(self, motion=motion, parallax_deg=parallax_deg)


def tracking(view: View, motion: EstimatedMotion, is_keyframe: bool) -> Step:
    """Return the step of an image whose pose was measured."""
    return Step(
        view,
        State.TRACKING,
        motion.kind,
        int(motion.inlier_mask.sum()),
        motion.parallax_deg,
        is_keyframe,
    )
