"""Calibration, mount and features -> the setup of an image."""

from __future__ import annotations

from rclpy.node import Node

from aliked_ros.nodes.base.extraction import Extraction
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

    def __init__(self, node: Node, settings: TrackerSettings) -> None:
        frames = settings.frames
        self._camera_frame = frames.camera_frame
        self._mount = Mount(
            node, frames.base_frame, "camera_transform", frames.camera_transform, OPTICAL
        )
        self.fixed_mount = self._mount.fixed
        is_rectified = settings.inputs.rectified_images
        self._info = CameraInfoTopic(node, "camera_info", is_rectified)
        self._right_info = None
        if settings.odometry.sensor == "stereo":
            self._right_info = CameraInfoTopic(node, "right/camera_info", is_rectified)

    def read(self, extraction: Extraction) -> Setup:
        """Return what is known for the features of an image.

        Raises:
            NotReadyError: if calibration or the camera's place on the robot is missing.
            ValueError: if the calibration cannot be used.
        """
        header, features = extraction.header, extraction.features
        camera_frame = self._camera_frame or header.frame_id
        T_base_camera = self._mount.T_base_sensor(camera_frame)
        height, width = features.image_size
        camera, right_camera = self._info.camera(width, height), None
        if self._right_info is not None:
            right_camera = self._right_info.camera(width, height)
        return Setup(
            header=header,
            camera=camera,
            right_camera=right_camera,
            camera_frame=camera_frame,
            T_base_camera=T_base_camera,
            model=(extraction.model, int(features.descriptors.shape[1])),
        )
