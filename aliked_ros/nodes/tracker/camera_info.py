"""The newest camera_info of a camera, or why it cannot be used yet."""

from __future__ import annotations

import time
from collections.abc import Hashable

import numpy as np
from sensor_msgs.msg import CameraInfo

from aliked_ros.geometry.calibration import OtherSizeError
from aliked_ros.geometry.plausibility import implausible
from aliked_ros.nodes.base.conversions.cameras import camera_from_message
from aliked_ros.nodes.base.latched import subscribe_newest
from aliked_ros.nodes.base.qos import NEWEST_QOS
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.tracker.not_ready import NotReadyError
from aliked_ros.nodes.tracker.rivals import Rivals
from aliked_ros.structs import Camera

_DIGITS = 6  # of the numbers in two calibrations that are the same
_MAX_BROKEN = 2  # messages in a row that are no calibration and leave the one before in force


class CameraInfoTopic:
    """Subscribes to a camera_info topic and converts a message only when it differs.

    It hears publishers that send again and again and those that sent once before we came. A message
    that is no calibration leaves the one before in force; several in a row do not.

    Args:
        topics: subscribes, and knows who publishes.
        topic: relative name.
        is_rectified: whether the images are rectified already, so that only P counts.

    Attributes:
        frame_id: of the newest message.
    """

    def __init__(self, topics: Topics, topic: str, is_rectified: bool) -> None:
        self._topics = topics
        self._is_rectified = is_rectified
        self._newest: CameraInfo | None = None
        self._num_broken = 0  # messages in a row that were no calibration
        self._key: Hashable = None  # of the newest message
        self._used: tuple[Hashable, tuple[int, int]] | None = None  # that `_camera` was made of
        self._camera: Camera | None = None
        self._rivals = Rivals()
        self.frame_id = ""
        self._topic = subscribe_newest(
            topics, CameraInfo, topic, self._store, lambda: self._newest is None
        )

    def _store(self, message: CameraInfo, _: int) -> None:
        key = _key(message)
        if key != self._key:
            problem = self._problem(message)
            self._num_broken = self._num_broken + 1 if problem else 0
            is_in_force = self._used is not None and self._used[0] == self._key
            if problem and is_in_force and self._num_broken <= _MAX_BROKEN:
                self._topics.diagnostics.count("camera_info messages not used", problem)
                return
            if not problem:
                self._rivals.add(key, time.monotonic())
        self._newest, self.frame_id = message, message.header.frame_id
        self._key = key

    def _problem(self, message: CameraInfo) -> str:
        """Return why a message is no calibration, or an empty string."""
        try:
            camera_from_message(message, is_rectified=self._is_rectified)
        except ValueError as error:
            return f"{self._topic}: {error}"
        return ""

    def camera(self, width: int, height: int) -> Camera:
        """Return the camera; the same object as long as the calibration does not change.

        Args:
            width: of the images that it must fit, px.
            height: of the images that it must fit, px.

        Raises:
            NotReadyError: if no calibration has come, or none for images of this size.
            ValueError: if the message is not a calibration that this package can use.
        """
        message, used = self._newest, (self._key, (width, height))
        if message is None:
            raise NotReadyError(
                f"no camera_info on {self._topic} yet: publish the calibration "
                f"({self._topics.why_silent(CameraInfo, self._topic, NEWEST_QOS)})"
            )
        if self._rivals.are_fighting(time.monotonic()):
            raise ValueError(self._fight(message))
        if self._camera is None or used != self._used:
            self._camera, self._used = self._convert(message, width, height), used
        return self._camera

    def _convert(self, message: CameraInfo, width: int, height: int) -> Camera:
        try:
            camera = camera_from_message(message, (width, height), self._is_rectified)
        except OtherSizeError as error:
            raise NotReadyError(f"{self._topic}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{self._topic}: {error}") from error
        for text in implausible(camera):
            self._topics.diagnostics.warn(f"{self._topic}: {text}", "calibration")
        return camera

    def _fight(self, message: CameraInfo) -> str:
        names = self._topics.publishers(self._topic)
        return (
            f"camera_info on {self._topic} changes back and forth (focal length now "
            f"{message.k[0]:.2f} px; published by {', '.join(names)}): one camera has "
            "one calibration, stop the other publisher or remap camera_info"
        )


def _key(message: CameraInfo) -> Hashable:
    """Return what tells a calibration from others, without differences that nobody notices."""
    numbers = np.concatenate([message.k, message.d, message.r, message.p])
    with np.errstate(all="ignore"):
        scale = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(np.maximum(np.abs(numbers), 1e-12))))
        rounded = np.round(numbers * scale) / scale
    roi = message.roi
    sizes = (message.width, message.height, message.binning_x, message.binning_y)
    region = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    return (*sizes, *region, message.distortion_model, len(message.d), rounded.tobytes())
