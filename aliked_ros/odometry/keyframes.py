"""When the newest view becomes the keyframe."""

from __future__ import annotations

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.odometry.estimated_motion import EstimatedMotion
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.view import View


class KeyframeRule:
    """Tells whether the keyframe has been left behind; a camera that stands still keeps it.

    It has been when the keypoints have moved far across the image, or when few of those that the
    first image after the keyframe agreed with are left.

    Args:
        config: the limits.
        image_width: px.
    """

    def __init__(self, config: OdometryConfig, image_width: int) -> None:
        self._config = config
        self._image_width = image_width
        self._max_displacement = config.for_sensor().keyframe_displacement_of_width
        self._num_first_inliers = 0

    def restart(self) -> None:
        """Note that poses are measured against another keyframe from now on."""
        self._num_first_inliers = 0

    def is_due(self, keyframe: View, view: View, motion: EstimatedMotion) -> bool:
        """Return whether a view, measured against the keyframe, takes its place."""
        num_inliers = int(motion.inlier_mask.sum())
        self._num_first_inliers = self._num_first_inliers or num_inliers
        share = num_inliers / self._num_first_inliers
        displacement = motion.displacement_px / self._image_width
        has_moved_on = (
            displacement > self._max_displacement or share < self._config.keyframe_inlier_share
        )
        num_depths = np.isfinite(view.inverse_depth).sum()
        is_usable = not keyframe.has_depth or num_depths >= 2 * self._config.min_inliers
        return bool(motion.kind is not Motion.NONE and has_moved_on and is_usable)
