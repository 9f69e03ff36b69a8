"""What one image led to, and how it is reported in the frame of the raw camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.motion import EstimatedMotion
from aliked_ros.odometry.result import (
    UNKNOWN_VARIANCE,
    Motion,
    OdometryResult,
    State,
    TrackedPairs,
)
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array

UNKNOWN_COVARIANCE = UNKNOWN_VARIANCE * np.eye(6)


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


def report(
    step: Step, T_world_view: Array | None, R_rectified_camera: Array, tracks: TrackedPairs
) -> OdometryResult:
    """Report a step.

    Args:
        step: what the image led to.
        T_world_view: (4, 4) pose of the rectified camera, the last one that was measured.
        R_rectified_camera: (3, 3) from the raw to the rectified camera.
        tracks: pairs with the previous image.
    """
    T_world_camera = None
    if T_world_view is not None:
        # World and view are rectified cameras at some instant; the report is about raw ones.
        T_rectified_camera = se3.from_rotation_translation(R_rectified_camera, np.zeros(3))
        T_world_camera = se3.inverse(T_rectified_camera) @ T_world_view @ T_rectified_camera
    covariance = UNKNOWN_COVARIANCE
    if step.state is State.TRACKING:
        turn = np.kron(np.eye(2), R_rectified_camera.T)
        covariance = turn @ step.view.covariance @ turn.T
    return OdometryResult(
        stamp_ns=step.view.stamp_ns,
        state=step.state,
        motion=step.motion,
        T_world_camera=T_world_camera,
        covariance=covariance,
        num_keypoints=len(step.view.keypoints),
        num_matches=len(tracks),
        num_inliers=step.num_inliers,
        parallax_deg=step.parallax_deg,
        is_keyframe=step.is_keyframe,
        reason=step.reason,
        tracks=tracks,
    )
