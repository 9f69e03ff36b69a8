"""The newest camera_info of a camera, or why it cannot be used yet."""

from __future__ import annotations

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

from aliked_ros.nodes.base.conversions.cameras import camera_from_message
from aliked_ros.nodes.tracker.not_ready import NotReadyError
from aliked_ros.structs import Camera

# Calibration seldom changes: the newest message counts, at whatever rate it comes.
_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class CameraInfoTopic:
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
        if self._camera is None or message is not self._used:
            camera, self._used = self._convert(message), message
            if self._camera is None or not _is_same(camera, self._camera):
                self._camera = camera
        return self._camera

    def _convert(self, message: CameraInfo) -> Camera:
        camera = camera_from_message(message)
        if not self._is_rectified:
            return camera
        if camera.P is None:
            raise ValueError(
                f"camera_info on {self._topic} has an empty P and rectified_images is true: "
                "publish the projection of the rectified images, or set rectified_images to false"
            )
        return Camera(camera.width, camera.height, camera.P[:, :3], P=camera.P)


def _is_same(camera: Camera, other: Camera) -> bool:
    """Return whether two calibrations differ by less than an odometry can notice."""
    sizes = (camera.width, camera.height), (other.width, other.height)
    if sizes[0] != sizes[1] or camera.distortion_model != other.distortion_model:
        return False
    pairs = [
        (camera.K, other.K),
        (camera.D, other.D),
        (camera.R, other.R),
        (camera.K if camera.P is None else camera.P, other.K if other.P is None else other.P),
    ]
    return all(one.shape == two.shape and np.allclose(one, two, 1e-4, 1e-6) for one, two in pairs)
