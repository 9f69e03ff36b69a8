"""The newest camera_info of a camera, or why it cannot be used yet."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

from aliked_ros.nodes.conversions import camera_from_message
from aliked_ros.structs import Camera

# Calibration seldom changes: the newest message counts, at whatever rate it comes.
_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class NotReadyError(RuntimeError):
    """What every frame needs has not come yet; the text says what is missing and what to do."""


class CalibrationTopic:
    """Subscribes to a camera_info topic and converts a message only when it differs.

    Args:
        node: the node that subscribes.
        topic: relative name.
        is_rectified: whether the images are rectified already, so that only P counts.
    """

    def __init__(self, node: Node, topic: str, is_rectified: bool) -> None:
        self._topic = node.resolve_topic_name(topic)
        self._is_rectified = is_rectified
        self._newest: CameraInfo | None = None
        self._used: CameraInfo | None = None
        self._camera: Camera | None = None
        node.create_subscription(CameraInfo, topic, self._store, _QOS)

    def _store(self, message: CameraInfo) -> None:
        message.header.stamp.sec = message.header.stamp.nanosec = 0  # only the calibration counts
        self._newest = message

    def camera(self, width: int, height: int) -> Camera:
        """Return the camera; the same object as long as the calibration does not change.

        Args:
            width: of the images that it must fit, px.
            height: of the images that it must fit, px.

        Raises:
            NotReadyError: if no calibration has come, or none for images of this size.
            ValueError: if the message is not a calibration that this package can use.
        """
        message = self._newest
        if message is None:
            raise NotReadyError(f"no camera_info on {self._topic} yet: publish the calibration")
        if (message.width, message.height) != (width, height):
            raise NotReadyError(
                f"camera_info on {self._topic} is for {message.width}x{message.height}, the "
                f"images are {width}x{height}: publish the calibration of these images"
            )
        if self._camera is None or message != self._used:
            self._camera = self._convert(message)
            self._used = message
        return self._camera

    def _convert(self, message: CameraInfo) -> Camera:
        camera = camera_from_message(message)
        if not self._is_rectified or camera.P is None:
            return camera
        return Camera(camera.width, camera.height, camera.P[:, :3], P=camera.P)
