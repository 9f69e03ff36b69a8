"""Nothing known is in sight: begin, or wait until a single camera sees parallax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.odometry.initialisation import initialise
from aliked_ros.odometry.inverse_depth import scale, triangulate_into
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, Motion, State
from aliked_ros.odometry.step import Measured, Step
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array


def begin(view: View, T_world_held: Array | None, config: OdometryConfig, why: str = "") -> Step:
    """Make a view the keyframe, as the origin or at the pose that is held.

    Args:
        view: the image.
        T_world_held: (4, 4) the last pose that was measured; None: there was none.
        config: what a keyframe needs; kind of sensor.
        why: what is wrong, one clause; empty: what is awaited.

    Returns:
        Whether it is a keyframe now, and its state: tracking only with measured depths.
    """
    is_mono = config.sensor == "mono"
    num = len(view.pixels) if is_mono else int(np.isfinite(view.inverse_depth).sum())
    if num < config.min_inliers:
        what = "keypoints" if is_mono else "keypoints with depth"
        return waiting(view, T_world_held, why or f"{num} {what}, {config.min_inliers} are needed")
    if T_world_held is not None:
        # How far the camera went since is not known.
        why = why or "nothing known is in sight, restarting at the last pose"
        view = view.at(T_world_held, UNKNOWN_COVARIANCE)
        return Step(view, State.LOST, is_keyframe=True, reason=why)
    view = view.at(np.eye(4), np.zeros((6, 6)))
    if is_mono:
        why = why or "waiting for a second image with parallax"
        return Step(view, State.INITIALISING, is_keyframe=True, reason=why)
    return Step(view, State.TRACKING, Motion.NONE, num, is_keyframe=True)


def waiting(view: View, T_world_held: Array | None, why: str) -> Step:
    """Return the step of an image that leads to no pose."""
    return Step(view, State.INITIALISING if T_world_held is None else State.LOST, reason=why)


@dataclass(frozen=True, eq=False)
class Parallax:
    """What a second view of a single camera shows; one of the attributes is not None.

    Attributes:
        keyframe: the first view with depths, in the unit that was asked for.
        rotation: the camera only turned or stood still.
        step: why there is neither; it asks for a restart if it is a keyframe.
    """

    keyframe: View | None = None
    rotation: Measured | None = None
    step: Step | None = None


def look_for_parallax(
    matched: MatchedViews,
    T_world_held: Array | None,
    median_depth: float,
    K: Array,
    config: OdometryConfig,
) -> Parallax:
    """Triangulate the first depths of a single camera, once two views have parallax.

    Args:
        matched: a keyframe without depths and the new view.
        T_world_held: (4, 4) the last pose that was measured; None: there was none.
        median_depth: that the landmarks are to have: the unit of length.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds and noise.
    """
    start = initialise(matched, K, config, median_depth)
    motion = start.motion
    if start.kind is Motion.UNKNOWN:
        return Parallax(step=begin(matched.view1, T_world_held, config, start.reason))
    if motion is not None and motion.kind is Motion.GENERAL:
        noise_px, relative_noise = config.keypoint_noise_px, motion.relative_translation_sigma
        inliers = matched.select(motion.inlier_mask)
        keyframe = triangulate_into(inliers, motion.T_1_0, K, noise_px, relative_noise)
        return Parallax(keyframe=scale(keyframe, median_depth))
    if motion is not None and T_world_held is not None:
        return Parallax(rotation=Measured(matched, motion))
    step = waiting(matched.view1, T_world_held, start.reason)
    return Parallax(step=step.with_motion(start.kind, start.parallax_deg))
