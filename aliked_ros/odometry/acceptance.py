"""A measured motion -> the pose of the new view, and what both views know about depths now."""

from __future__ import annotations

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.inverse_depth import carry_over, triangulate_into
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.step import Measured
from aliked_ros.structs import Array


def accept(measured: Measured, K: Array, config: OdometryConfig) -> MatchedViews:
    """Return the pairs with their views as they are known now.

    The view gets its pose and the depths that the reference knows. A single camera's reference
    gets the depths that the parallax of the new view gives.

    Args:
        measured: the motion from a reference with a pose.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds, noise and kind of sensor.
    """
    matched, motion = measured.matched, measured.motion
    reference = matched.view0
    view = matched.view1.at(
        reference.pose @ se3.inverse(motion.T_1_0),
        se3.carry(motion.T_1_0, reference.covariance) + motion.covariance,
    )
    matched = matched.with_views(reference, view)
    if not reference.has_depth:
        return matched
    if config.sensor == "mono" and motion.kind is Motion.GENERAL:
        noise_px, relative_noise = config.keypoint_noise_px, motion.relative_translation_sigma
        reference = triangulate_into(matched, motion.T_1_0, K, noise_px, relative_noise)
        matched = matched.with_views(reference, view)
    view = carry_over(matched, motion.T_1_0, K, config.ransac_threshold_px)
    return matched.with_views(reference, view)
