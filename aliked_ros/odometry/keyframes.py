"""When a view becomes a keyframe."""

from __future__ import annotations

from aliked_ros.config import OdometryConfig
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.motion import MotionSince
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.view import View

_MIN_COMMON = 30  # landmarks that the last keyframe and the view both show
_MIN_INLIERS, _OF_KEYPOINTS = 100, 0.5  # landmarks, or part of the keypoints, in a view


class KeyframeRule:
    """Tells whether the last keyframe has been left behind; a camera that stands still keeps it.

    It has been when the keypoints have moved far across the image, when few of its landmarks are
    seen of those that the first image after it showed, or when the map shows little.

    Args:
        config: the limits.
        image_width: px.
    """

    def __init__(self, config: OdometryConfig, image_width: int) -> None:
        self._config = config
        self._image_width = image_width
        self._first_share = 0.0

    def restart(self) -> None:
        """Note that there is another keyframe from now on."""
        self._first_share = 0.0

    def is_due(
        self, reference: Keyframe, view: View, located: Located, motion: MotionSince
    ) -> bool:
        """Return whether a view is the next keyframe.

        Args:
            reference: the last keyframe.
            view: located in the same map.
            located: its pose and landmarks.
            motion: between the two.
        """
        share = motion.num_common / max(len(reference.numbers), 1)
        self._first_share = self._first_share or share
        if motion.kind is Motion.NONE:
            return False
        limits = self._config
        return (
            motion.displacement_px > limits.keyframe_displacement_of_width * self._image_width
            or share < limits.keyframe_inlier_share * self._first_share
            or motion.num_common < _MIN_COMMON
            or len(located) < min(_MIN_INLIERS, _OF_KEYPOINTS * len(view))
        )
