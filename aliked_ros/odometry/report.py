"""What one image led to, as others hear of it: in the frame of the raw camera."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, OdometryResult, TrackedPairs
from aliked_ros.odometry.step import Step
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array


def report(
    step: Step, view: View, R_rectified_camera: Array, tracks: TrackedPairs
) -> OdometryResult:
    """Report a step.

    Args:
        step: what the image led to.
        view: the image.
        R_rectified_camera: (3, 3) from the raw to the rectified camera.
        tracks: pairs with the previous image.
    """
    T_world_camera, covariance = None, UNKNOWN_COVARIANCE
    noise, gained = np.zeros((6, 6)), None
    if step.posed is not None:
        # World and view are rectified cameras at some instant; the report is about raw ones.
        T_rectified_camera = se3.from_rotation_translation(R_rectified_camera, np.zeros(3))
        T_world_camera = (
            se3.inverse(T_rectified_camera) @ step.posed.T_world_view @ T_rectified_camera
        )
        R_camera_rectified = R_rectified_camera.T
        covariance = se3.turn(R_camera_rectified, step.posed.covariance)
        noise = se3.turn(R_camera_rectified, step.posed.noise)
        if step.posed.step is not None:
            gained = se3.turn(R_camera_rectified, step.posed.step)
    return OdometryResult(
        stamp_ns=view.stamp_ns,
        state=step.state,
        motion=step.motion,
        T_world_camera=T_world_camera,
        covariance=covariance,
        num_keypoints=len(view),
        num_matches=len(tracks),
        num_inliers=step.num_inliers,
        parallax_deg=step.parallax_deg,
        is_keyframe=step.is_keyframe,
        reason=step.reason,
        tracks=tracks,
        noise_covariance=noise,
        step_covariance=gained,
        unit_deviation=step.posed.unit_deviation if step.posed is not None else 0.0,
    )
