"""The odometry of the current calibration: made, placed in odom, and begun anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from rclpy.node import Node

from aliked_ros.config import MatcherConfig, OdometryConfig, StereoConfig
from aliked_ros.nodes.calibration import CalibrationTopic
from aliked_ros.nodes.conversions import depth_from_message, image_from_message, stamp_to_ns
from aliked_ros.nodes.extraction import Extraction
from aliked_ros.nodes.health import Health
from aliked_ros.nodes.mount import OPTICAL, Mount
from aliked_ros.nodes.parameters import ConfigParameters, declare
from aliked_ros.nodes.tracker_inputs import FrameInputs
from aliked_ros.nodes.tracker_outputs import TrackerOutputs
from aliked_ros.odometry.depth import StereoDepth, sample_depth
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.runners import InBackground
from aliked_ros.odometry.visual_odometry import VisualOdometry
from aliked_ros.structs import AnyArray, Array, Camera, Index

JUMP_BACK_NS = 1_000_000_000  # a recording that starts over, not a frame out of order
# What a node runs: keyframes are adjusted on a thread of their own, no frame waits for it.
make_live_odometry = partial(VisualOdometry, make_runner=InBackground)


class Session:
    """Subscribes to the calibration and keeps the odometry that fits it.

    Args:
        node: the tracker; gets the parameters.
        make_odometry: config, matcher and cameras -> odometry.
        outputs: forgets its path at each begin.
        health: hears why the odometry begins anew.
        on_begin: called at each begin but the first.

    Attributes:
        sensor: what measures depth.
        rotation_noise_deg: standard deviation of a turn that an inertial sensor measures.
        stamp_ns: of the newest frame.
        placement: where the odometry's world lies in odom; None until the first frame after a
            begin.
    """

    def __init__(
        self,
        node: Node,
        make_odometry: Callable[..., VisualOdometry],
        outputs: TrackerOutputs,
        health: Health,
        on_begin: Callable[[], None],
    ) -> None:
        self._matcher = ConfigParameters(node, MatcherConfig, "matcher").value
        self._config = ConfigParameters(node, OdometryConfig, "odometry").value
        self._stereo = ConfigParameters(node, StereoConfig, "stereo").value
        self._camera_frame = declare(
            node, "camera_frame", "", "optical frame of the camera; empty: frame_id of the images"
        )
        is_rectified = declare(
            node, "rectified_images", False, "images are rectified already: only P counts"
        )
        self.sensor = self._config.sensor
        self.rotation_noise_deg = self._config.rotation_prior_noise_deg
        self.stamp_ns = 0
        self.placement: Placement | None = None
        self._make_odometry = make_odometry
        self._outputs = outputs
        self._health = health
        self._on_begin = on_begin
        self._odometry: VisualOdometry | None = None
        self._stereo_depth: StereoDepth | None = None
        self._cameras: list[Camera] = []
        self._source = ("", 0)
        self._T_odom_start: Array = np.eye(4)  # where the base is when the odometry begins
        self._mount = Mount(
            node, outputs.base_frame, "camera_transform", "camera's optical frame", OPTICAL
        )
        topics = ["camera_info"] + ["right/camera_info"] * (self.sensor == "stereo")
        self._calibration = [CalibrationTopic(node, name, is_rectified) for name in topics]

    @property
    def odometry(self) -> VisualOdometry:
        """The odometry that `prepare` returned last."""
        assert self._odometry is not None
        return self._odometry

    @property
    def camera(self) -> Camera:
        """Its (left) camera."""
        return self._cameras[0]

    @property
    def T_base_camera(self) -> Array:
        """(4, 4) where it sits on the robot, metres, after `prepare`."""
        assert self.placement is not None
        return self.placement.T_base_camera

    def begin(self, T_odom_base: Array) -> None:
        """Forget everything; at the next image the base is at a pose (4, 4)."""
        if self._odometry is not None:
            self._odometry.reset()
        self._T_odom_start, self.placement = T_odom_base, None
        self._outputs.forget()
        self._on_begin()

    def landmarks(self) -> tuple[Array, Index]:
        """Return points_odom (L, 3), metres, and how many keyframes see each (L,)."""
        if self._odometry is None or self.placement is None:
            return np.zeros((0, 3)), np.zeros(0, np.int64)
        points_world, num_seen = self._odometry.landmarks()
        return self.placement.points_odom(points_world), num_seen

    def prepare(self, extraction: Extraction) -> VisualOdometry:
        """Return the odometry for a frame; a new calibration begins anew.

        Raises:
            NotReadyError: if calibration or the camera's place on the robot is missing.
            ValueError: if the calibration cannot be used.
        """
        header = extraction.header
        camera_frame = self._camera_frame or header.frame_id
        T_base_camera = self._mount.T_base_sensor(camera_frame)
        height, width = extraction.features.image_size
        cameras = [topic.camera(width, height) for topic in self._calibration]
        stamp_ns = stamp_to_ns(header.stamp)
        source = (extraction.model, int(extraction.features.descriptors.shape[1]))
        why_anew = self._why_begin_anew(cameras, stamp_ns, source)
        self.stamp_ns, self._source = stamp_ns, source
        if why_anew:
            self._health.problem(f"{why_anew}: the odometry begins anew")
            self.begin(np.eye(4))
        if self._odometry is None or not self._has_same(cameras):
            if self.sensor == "stereo":
                self._stereo_depth = StereoDepth(cameras[0], cameras[1], self._stereo)
            self._odometry = self._make_odometry(self._config, self._matcher, *cameras)
            self._cameras = cameras
            self._outputs.publish_mount(header, camera_frame, self._mount.fixed)
        if self.placement is None:
            # The camera is taken to be fixed to the robot: its place holds until a new begin.
            self.placement = Placement(T_base_camera, self._T_odom_start)
        return self._odometry

    def _why_begin_anew(self, cameras: list[Camera], stamp_ns: int, source: tuple[str, int]) -> str:
        """Return why the odometry so far does not hold for a frame, or an empty string."""
        if self.placement is None:
            return ""
        if not self._has_same(cameras):
            return "the calibration has changed"
        if source != self._source:
            return f"features of {source[0]} follow those of {self._source[0]}"
        if stamp_ns < self.stamp_ns - JUMP_BACK_NS:
            return f"time has jumped back by {(self.stamp_ns - stamp_ns) * 1e-9:.1f} s"
        return ""

    def _has_same(self, cameras: list[Camera]) -> bool:
        return all(new is old for new, old in zip(cameras, self._cameras, strict=True))

    def measure_depths(self, inputs: FrameInputs, extraction: Extraction) -> AnyArray | None:
        """Return the depths (N,) of the keypoints, metres, or None for a single camera.

        Raises:
            ValueError: if the images cannot be used.
        """
        features = extraction.features.to("cpu")
        if inputs.depth is not None:
            depth_m = depth_from_message(inputs.depth)
            if depth_m.shape != features.image_size:
                raise ValueError(
                    f"depth image is {depth_m.shape[1]}x{depth_m.shape[0]}, the image is "
                    f"{features.image_size[1]}x{features.image_size[0]}: register the depth to it"
                )
            return sample_depth(depth_m, features.keypoints.numpy())
        if self._stereo_depth is None or inputs.right is None:
            return None
        left = extraction.image if inputs.left is None else image_from_message(inputs.left)
        if left is None:
            return None
        right = image_from_message(inputs.right)
        return self._stereo_depth(left, right, features.keypoints.numpy())
