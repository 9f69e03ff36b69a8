"""Valid messages of every topic that a node takes, of one instant after the other."""

from __future__ import annotations

import cv2
import numpy as np
from aliked_ros.msg import Features, Matches, OdometryStatus
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry
from point_world import CAMERA, RIGHT_CAMERA, room, sideways
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Imu
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from tracker_sender import depth_image

from aliked_ros.nodes.base.conversions.cameras import camera_to_message, image_to_message
from aliked_ros.nodes.base.conversions.features import features_to_message
from aliked_ros.nodes.base.conversions.fields import flat, ns_to_stamp

FRAME_NS = 100_000_000
FIRST_NS = 1_000_000_000_000
_PATH = sideways(40, step_m=0.03)


class Scene:
    """What a robot's topics hold at one instant after the other.

    Args:
        width: of the images that an extractor gets, px.
        height: of these, px.
    """

    def __init__(self, width: int = 160, height: int = 120) -> None:
        self._world = room()
        noise = np.random.default_rng(0).integers(0, 256, (40, 200), np.uint8)
        self._canvas = cv2.resize(noise, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
        self._width, self._height = width, height
        self.index = 0
        self.go_on()

    def go_on(self) -> None:
        """Go on to the next instant; the way leads back and forth."""
        self.index += 1
        place = self.index % (2 * len(_PATH) - 2)
        self._place = min(place, 2 * len(_PATH) - 2 - place)
        self._sighting = self._world.see(_PATH[self._place])

    @property
    def stamp_ns(self) -> int:
        """Of the instant."""
        return FIRST_NS + self.index * FRAME_NS

    def _header(self, frame_id: str = "camera") -> Header:
        return Header(stamp=ns_to_stamp(self.stamp_ns), frame_id=frame_id)

    def pixels(self, width: int = 0, height: int = 0) -> np.ndarray:
        """Return (H, W) uint8 of a camera that moves sideways."""
        x = 4 * self._place
        return self._canvas[10 : 10 + (height or self._height), x : x + (width or self._width)]

    def image(self) -> Image:
        """Return the image of the camera."""
        return image_to_message(self.pixels(), self._header())

    def mask(self) -> Image:
        """Return a mask for the image: nothing at its right edge."""
        mask = np.full((self._height, self._width), 255, np.uint8)
        mask[:, -10:] = 0
        return image_to_message(mask, self._header())

    def large_image(self) -> Image:
        """Return an image of the size that the features are of."""
        return image_to_message(
            np.tile(self.pixels(160, 120), (4, 4))[: CAMERA.height, : CAMERA.width], self._header()
        )

    def compressed(self) -> CompressedImage:
        """Return the image as JPEG or PNG."""
        kind = ("jpeg", "png")[self.index % 2]
        data = cv2.imencode(f".{kind}", self.pixels())[1]
        return CompressedImage(header=self._header(), format=kind, data=flat("B", data))

    def features(self) -> Features:
        """Return the features of the points that are in sight."""
        return features_to_message(self._sighting[0], self._header(), "fuzz")

    def depth(self) -> Image:
        """Return the depth of these points."""
        return image_to_message(depth_image(*self._sighting), self._header())

    def plane_depth(self) -> np.ndarray:
        """Return (H, W) metres of a wall in front of the camera whose image is `image`."""
        return np.full((self._height, self._width), 2.0, np.float32)

    def camera_info(self) -> CameraInfo:
        """Return the calibration that the points are seen with."""
        return camera_to_message(CAMERA, self._header())

    def right_camera_info(self) -> CameraInfo:
        """Return that of the right camera."""
        return camera_to_message(RIGHT_CAMERA, self._header())

    def imu(self) -> Imu:
        """Return an orientation that never changes."""
        message = Imu(header=self._header("imu"))
        message.orientation.w = 1.0
        return message

    def odometry(self) -> Odometry:
        """Return wheels that know the way."""
        message = Odometry(header=self._header("odom"), child_frame_id="base_link")
        message.pose.pose.position.x = float(_PATH[self._place][0, 3])
        message.pose.pose.orientation.w = 1.0
        return message

    def transforms(self) -> TFMessage:
        """Return where the camera sits."""
        transform = TransformStamped(header=self._header("base_link"), child_frame_id="camera")
        transform.transform.rotation.w = 1.0
        return TFMessage(transforms=[transform])

    def matches(self) -> Matches:
        """Return tracks across the image."""
        points = np.random.default_rng(self.index).uniform(0, 100, (20, 2)).astype(np.float32)
        ids = np.arange(20)
        return Matches(
            header=self._header(),
            width=self._width,
            height=self._height,
            keypoints_previous=flat("f", points),
            keypoints_current=flat("f", points + 1),
            indices_previous=flat("I", ids.astype(np.uint32)),
            indices_current=flat("I", ids.astype(np.uint32)),
            similarities=flat("f", np.ones(20, np.float32)),
            track_ids=flat("Q", ids.astype(np.uint64)),
            track_lengths=flat("I", np.full(20, 2, np.uint32)),
            inliers=flat("B", np.ones(20, np.uint8)),
        )

    def status(self) -> OdometryStatus:
        """Return the status of a tracked image."""
        return OdometryStatus(header=self._header(), state=OdometryStatus.TRACKING)
