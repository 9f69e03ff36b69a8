"""A frame of a sequence -> the topics of a camera."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from aliked_ros.datasets.sequence import Sequence
from aliked_ros.geometry.rectification import rectify_pair
from aliked_ros.nodes.base.conversions.cameras import camera_to_message, image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.structs import Camera, Frame

CAMERA_FRAME = "camera_optical_frame"
RIGHT_FRAME = "right_camera_optical_frame"


class CameraTopics:
    """Publishes everything that belongs to a frame, and the clock if asked for.

    Topics: `image_raw`, `camera_info`, `right/image_raw`, `right/camera_info`, `depth/image_raw`,
    /clock.

    Args:
        node: publishes.
        sequence: has the calibration.
        with_clock: whether to publish /clock with each stamp.
    """

    def __init__(self, node: Node, sequence: Sequence, with_clock: bool) -> None:
        self._cameras = _calibrate(sequence)
        self._image = node.create_publisher(Image, "image_raw", RESULT_QOS)
        self._info = node.create_publisher(CameraInfo, "camera_info", RESULT_QOS)
        self._right = node.create_publisher(Image, "right/image_raw", RESULT_QOS)
        self._right_info = node.create_publisher(CameraInfo, "right/camera_info", RESULT_QOS)
        self._depth = node.create_publisher(Image, "depth/image_raw", RESULT_QOS)
        self._clock = node.create_publisher(Clock, "/clock", 10) if with_clock else None

    @property
    def num_subscribers(self) -> int:
        """How many take the images."""
        return int(self._image.get_subscription_count())

    def send(self, frame: Frame, stamp_ns: int, before_image: Callable[[], None]) -> None:
        """Publish a frame; `before_image` is called just before the image itself.

        Partners first: a pair is complete as soon as the features of the left image are.
        """
        stamp = ns_to_stamp(stamp_ns)
        left = Header(stamp=stamp, frame_id=CAMERA_FRAME)
        right = Header(stamp=stamp, frame_id=RIGHT_FRAME)
        if self._clock is not None:
            self._clock.publish(Clock(clock=stamp))
        sides = zip(self._cameras, (left, right), (self._info, self._right_info), strict=True)
        for camera, header, publisher in sides:
            if camera is not None:
                publisher.publish(camera_to_message(camera, header))
        if frame.right_image is not None:
            self._right.publish(image_to_message(frame.right_image, right))
        if frame.depth_m is not None:
            self._depth.publish(image_to_message(frame.depth_m, left))
        message = image_to_message(frame.image, left)
        before_image()
        self._image.publish(message)


def _calibrate(sequence: Sequence) -> tuple[Camera | None, Camera | None]:
    """Return both cameras, with the R and P of their rectification if they are a pair."""
    left, right = sequence.camera, sequence.right_camera
    if left is not None and right is not None and sequence.T_left_right is not None:
        return rectify_pair(left, right, sequence.T_left_right)
    return left, right
