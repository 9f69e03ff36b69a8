"""Calibration, mount and features -> the setup of an image."""

from __future__ import annotations

from rclpy.node import Node

from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.tracker.camera_info import CameraInfoTopic
from aliked_ros.nodes.tracker.mount import OPTICAL, Mount
from aliked_ros.nodes.tracker.settings import TrackerSettings
from aliked_ros.nodes.tracker.setup import Setup


class SetupReader:
    """Subscribes to the calibrations and knows where the camera sits.

    Attributes:
        fixed_mount: (4, 4) T_base_camera if a parameter says it, metres; None if TF does.

    Raises:
        ValueError: if camera_transform is not a transform, or empty where there is no TF.
    """

    def __init__(self, node: Node, topics: Topics, settings: TrackerSettings) -> None:
        frames = settings.frames
        self._diagnostics = topics.diagnostics
        self._camera_frame = frames.camera_frame
        self._mount = Mount(
            node, frames.base_frame, "camera_transform", frames.camera_transform, OPTICAL
        )
        self.fixed_mount = self._mount.fixed
        is_rectified = settings.inputs.rectified_images
        self._info = CameraInfoTopic(topics, "camera_info", is_rectified)
        self._right_info = None
        if settings.odometry.sensor == "stereo":
            self._right_info = CameraInfoTopic(topics, "right/camera_info", is_rectified)

    def read(self, extraction: Extraction) -> Setup:
        """Return what is known for the features of an image.

        Raises:
            NotReadyError: if calibration or the camera's place on the robot is missing.
            ValueError: if the calibration cannot be used.
        """
        header, features = extraction.header, extraction.features
        camera_frame = self._frame(header.frame_id)
        T_base_camera = self._mount.T_base_sensor(camera_frame)
        height, width = features.image_size
        camera, right_camera = self._info.camera(width, height), None
        if self._right_info is not None:
            right_camera = self._right_info.camera(width, height)
        self._compare_frames(header.frame_id)
        return Setup(
            header=header,
            camera=camera,
            right_camera=right_camera,
            camera_frame=camera_frame,
            T_base_camera=T_base_camera,
            model=(extraction.model, int(features.descriptors.shape[1])),
        )

    def _frame(self, frame_id: str) -> str:
        """Return the optical frame of the camera as TF knows it."""
        frame = self._camera_frame or frame_id
        if frame.startswith("/"):
            self._diagnostics.warn(
                f"frame_id of the images is {frame!r}: names in TF do not begin with '/', it is "
                f"taken for {frame.lstrip('/')!r}",
                "frame",
            )
        if not frame:
            self._diagnostics.warn(
                "frame_id of the images is empty, so that nobody can place them in TF: mend the "
                "driver or set camera_frame",
                "frame",
            )
        return frame.lstrip("/")

    def _compare_frames(self, frame_id: str) -> None:
        info_frame = self._info.frame_id
        if info_frame and frame_id and info_frame != frame_id:
            self._diagnostics.warn(
                f"frame_id of the images is {frame_id!r}, that of camera_info {info_frame!r}: "
                "check that both are of the same camera",
                "frame",
            )
