"""The orientation of an inertial sensor, as the orientation of the camera at each image."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Imu

from aliked_ros.config.nodes import FramesConfig
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.conversions.poses import transform_from_values
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.qos import STREAM_QOS
from aliked_ros.nodes.base.stamps import OUT_OF_ORDER, StampGuard
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.tracker.mount import BASE, Mount
from aliked_ros.nodes.tracker.not_ready import NotReadyError
from aliked_ros.odometry.orientation import Agreement, OrientationBuffer
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.structs import Array

_MAX_WAITING = 4000
_MAX_BARE = 50  # images in a row that no message covers: not only late messages, or a gap
_MAX_DIFFERENCE = 3.0  # of sensor and images, over what the sensor's turns are trusted to


class ImuOrientation:
    """Subscribes to `imu` if the parameter `use_imu` says so.

    The covariance in the message is about the orientation in the world, most of whose error is the
    same in two images; how well a turn between images is known, the odometry's configuration says.

    Args:
        node: listens to TF.
        topics: subscribes.
        frames: whether the sensor is used, and where it sits.
        noise_deg: standard deviation of a turn between two images.
        diagnostics: shows how many images had an orientation.

    Attributes:
        noise_deg: likewise; may be set at any time.

    Raises:
        ValueError: if imu_transform is not a transform, or empty where there is no TF.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        frames: FramesConfig,
        noise_deg: float,
        diagnostics: Diagnostics,
    ) -> None:
        self._is_used = frames.use_imu
        self._mount = Mount(
            node, frames.base_frame, "imu_transform", frames.imu_transform, BASE, self._is_used
        )
        self.noise_deg = noise_deg
        self._diagnostics = diagnostics
        self._buffer, self._agreement = OrientationBuffer(), Agreement()
        self._newest: Array | None = None
        self._frame = ""
        self._num_images = self._num_covered = self._num_without = 0
        self._num_bare = 0  # images since one had an orientation, or was said to have none
        # Filled by the executor's thread, emptied by the tracker's.
        self._arrived: deque[Imu] = deque(maxlen=_MAX_WAITING)
        self._guard = StampGuard()
        if self._is_used:
            self._topic = topics.subscribe(Imu, "imu", STREAM_QOS, self._store, is_watched=False)
            diagnostics.show("images with an imu orientation", self._shown)
            diagnostics.show("imu messages without orientation", lambda: self._num_without)
            diagnostics.show("imu messages out of order", lambda: self._buffer.num_dropped)
            diagnostics.show("imu and images differ (deg per image)", self._difference)

    def _store(self, message: Imu, _: int) -> None:
        verdict = self._guard.check(message.header.stamp, time.monotonic())
        if verdict.cause and verdict.cause != OUT_OF_ORDER:
            self._diagnostics.count("imu messages not used", f"{self._topic}: {verdict.refusal}")
            return
        self._arrived.append(message)

    def at(self, stamp_ns: int, T_base_camera: Array) -> Array | None:
        """Return R_inertial_camera (3, 3) at the stamp of an image, or None if it is not known."""
        self._newest = None
        if not self._is_used:
            return None
        self._num_images += 1
        self._take()
        R_inertial_imu = self._buffer.at(stamp_ns)
        if R_inertial_imu is None:
            self._note_bare()
            return None
        self._num_bare = 0
        try:
            T_base_imu = self._mount.T_base_sensor(self._frame)
        except NotReadyError as error:
            self._diagnostics.warn(str(error))
            return None
        self._num_covered += 1
        self._newest = R_inertial_imu @ T_base_imu[:3, :3].T @ T_base_camera[:3, :3]
        return self._newest

    def compare(self, result: OdometryResult) -> None:
        """Compare the turns of the sensor with those of the images, and warn if they differ."""
        R_world_camera = None
        if result.state is State.TRACKING and result.T_world_camera is not None:
            R_world_camera = result.T_world_camera[:3, :3]
        self._agreement.add(self._newest, R_world_camera)
        difference_deg = self._agreement.difference_deg
        if difference_deg is not None and difference_deg > _MAX_DIFFERENCE * self.noise_deg:
            self._diagnostics.warn(
                f"{self._topic} turns otherwise than the images, by {difference_deg:.1f} deg from "
                "image to image: check imu_transform (or TF), and that both use the same clock"
            )

    def forget(self) -> None:
        """Note that the odometry restarts."""
        self._agreement.forget()

    def _take(self) -> None:
        """Move what has arrived to the buffer."""
        while self._arrived:
            message = self._arrived.popleft()
            self._frame = message.header.frame_id
            q = message.orientation
            values = np.array([q.x, q.y, q.z, q.w])
            is_unit = abs(np.linalg.norm(values) - 1) < 1e-2  # false for nan, too
            if message.orientation_covariance[0] == -1 or not is_unit:
                self._num_without += 1
                self._num_bare = 0
                self._diagnostics.warn(
                    f"{self._topic} has no orientation (orientation_covariance[0] is "
                    f"{message.orientation_covariance[0]:g}, the quaternion's length "
                    f"{np.linalg.norm(values):.2g}): run a filter that estimates it, such as "
                    "imu_complementary_filter, or set use_imu to false"
                )
                continue
            R = transform_from_values([0.0, 0.0, 0.0, *values.tolist()])[:3, :3]
            self._buffer.add(stamp_to_ns(message.header.stamp), R)

    def _note_bare(self) -> None:
        """Warn if one image after the other has no orientation, though nothing is wrong with any.

        A topic that is silent and stamps of another clock show in nothing else.
        """
        self._num_bare += 1
        if self._num_bare >= _MAX_BARE:
            self._diagnostics.warn(
                f"{self._topic} has no orientation for the stamps of the last {self._num_bare} "
                "images: check that it is published at 10 Hz or more and arrives in time, and that "
                "its stamps are from the images' clock; or set use_imu to false"
            )

    def _shown(self) -> str:
        return f"{self._num_covered} of {self._num_images}"

    def _difference(self) -> str:
        difference_deg = self._agreement.difference_deg
        return "unknown" if difference_deg is None else f"{difference_deg:.2f}"
