"""Features -> matches, odometry and the state of the tracking."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from aliked_ros.config import MatcherConfig, OdometryConfig, StereoConfig
from aliked_ros.extractor import pick_device
from aliked_ros.geometry import se3
from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.calibration import CalibrationTopic, NotReadyError
from aliked_ros.nodes.conversions import (
    depth_from_message,
    image_from_message,
    stamp_to_ns,
)
from aliked_ros.nodes.extraction import Delivery, Extraction
from aliked_ros.nodes.health import Health
from aliked_ros.nodes.mount import CameraMount
from aliked_ros.nodes.parameters import ConfigParameters, declare
from aliked_ros.nodes.run import run
from aliked_ros.nodes.topics import declare_transport
from aliked_ros.nodes.tracker_inputs import FrameInputs, TrackerInputs
from aliked_ros.nodes.tracker_outputs import TrackerOutputs, fill_extraction, fill_status
from aliked_ros.nodes.worker import NewestWorker
from aliked_ros.odometry.depth import StereoDepth, sample_depth
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.odometry.visual_odometry import VisualOdometry
from aliked_ros.structs import Camera

STAGES = ("handover", "depth", "match", "estimate")
JUMP_BACK_NS = 1_000_000_000  # a recording that starts over, not a frame out of order


class TrackerNode(Node):
    """Takes `features` and `camera_info`; publishes a `status` for every frame.

    Args:
        make_odometry: config, matcher and cameras -> odometry.
        has_local_extractor: an extractor in the same process calls `receive`; nothing is
            subscribed that it hands over.

    Attributes:
        frame_s: time that the last frame took.
    """

    def __init__(
        self,
        make_odometry: Callable[..., VisualOdometry] = VisualOdometry,
        has_local_extractor: bool = False,
    ) -> None:
        super().__init__("aliked_tracker")
        transport = declare_transport(self)
        self._matcher = ConfigParameters(self, MatcherConfig, "matcher").value
        self._config = ConfigParameters(self, OdometryConfig, "odometry").value
        self._stereo = ConfigParameters(self, StereoConfig, "stereo").value
        self._device = pick_device(declare(self, "device", "auto", "where descriptors are matched"))
        self._camera_frame = declare(
            self, "camera_frame", "", "optical frame of the camera; empty: frame_id of the images"
        )
        is_rectified = declare(
            self, "rectified_images", False, "images are rectified already: only P counts"
        )
        slop_s = declare(
            self, "sync_slop_s", 0.01, "stamps of one instant differ by less than this"
        )
        queue_size = declare(
            self, "sync_queue_size", 60, "images that wait for their features at the most"
        )

        self.frame_s = 0.0
        self._make_odometry = make_odometry
        self._odometry: VisualOdometry | None = None
        self._stereo_depth: StereoDepth | None = None
        self._cameras: list[Camera] = []
        self._stamp_ns = 0
        self._source = ("", 0)
        self._T_base_camera: NDArray[np.float64] | None = None

        self._health = Health(self, hardware_id=str(self._device))
        self._outputs = TrackerOutputs(self)
        self._mount = CameraMount(self, self._outputs.base_frame)
        topics = ["camera_info"] + ["right/camera_info"] * (self._config.sensor == "stereo")
        self._calibration = [CalibrationTopic(self, name, is_rectified) for name in topics]
        self._worker = NewestWorker(self._process, self._failed)
        self._health.show("skipped, newer features came", lambda: self._worker.num_replaced)
        self._inputs = TrackerInputs(
            self,
            self._config.sensor,
            transport,
            slop_s,
            queue_size,
            self._health,
            self._worker.put,
            has_local_extractor,
        )
        self.get_logger().info(f"{self._config.sensor} odometry, matching on {self._device}")

    def receive(self, delivery: Delivery) -> None:
        """Take the features of an image from an extractor in the same process, in its thread."""
        self._inputs.receive(delivery)

    def _process(self, inputs: FrameInputs) -> None:
        start = time.perf_counter()
        header = inputs.delivery.header
        status = OdometryStatus(header=header)
        status.handover_ms = (time.time_ns() - inputs.delivery.sent_ns) * 1e-6
        try:
            extraction = inputs.delivery.open()
            fill_extraction(status, extraction)
            result = self._track(inputs, extraction, status)
        except NotReadyError as error:
            status.state, status.reason = OdometryStatus.INITIALISING, str(error)
            self._report(status, cause="not ready")
        except ValueError as error:
            status.state, status.reason = OdometryStatus.UNUSABLE, str(error)
            self._report(status, cause="unusable")
        else:
            fill_status(status, result)
            self._publish(extraction, result)
            self.frame_s = time.perf_counter() - start
            self._report(status)

    def _track(
        self, inputs: FrameInputs, extraction: Extraction, status: OdometryStatus
    ) -> OdometryResult:
        """Return the result of a frame and note the time that its stages took.

        Raises:
            NotReadyError: if calibration or the camera's place on the robot is missing.
            ValueError: if the frame cannot be used.
        """
        odometry = self._prepare(extraction)
        start = time.perf_counter()
        features = extraction.features.to(self._device)
        depths_m = self._measure_depths(inputs, extraction)
        measured = time.perf_counter()
        matches = odometry.match(features)
        matched = time.perf_counter()
        stamp_ns = stamp_to_ns(extraction.header.stamp)
        result = odometry.estimate(stamp_ns, features, matches, depths_m)
        status.depth_ms = (measured - start) * 1e3
        status.match_ms = (matched - measured) * 1e3
        status.estimate_ms = (time.perf_counter() - matched) * 1e3
        return result

    def _prepare(self, extraction: Extraction) -> VisualOdometry:
        """Return the odometry of the current calibration; a new calibration begins anew."""
        header = extraction.header
        camera_frame = self._camera_frame or header.frame_id
        T_base_camera = self._mount.T_base_camera(camera_frame)
        height, width = extraction.features.image_size
        cameras = [topic.camera(width, height) for topic in self._calibration]
        stamp_ns = stamp_to_ns(header.stamp)
        source = (extraction.model, int(extraction.features.descriptors.shape[1]))
        why_anew = self._why_begin_anew(cameras, stamp_ns, source)
        self._stamp_ns, self._source = stamp_ns, source
        if self._odometry is not None and not why_anew:
            return self._odometry
        if why_anew:
            self._health.problem(f"{why_anew}: the odometry begins anew")
        # The camera is taken to be fixed to the robot: where it sits now holds until a new begin.
        self._T_base_camera = T_base_camera
        if self._odometry is not None and self._has_same(cameras):
            self._odometry.reset()
            self._outputs.forget()
            return self._odometry
        if self._config.sensor == "stereo":
            self._stereo_depth = StereoDepth(cameras[0], cameras[1], self._stereo)
        self._odometry = self._make_odometry(self._config, self._matcher, *cameras)
        self._cameras = cameras
        self._outputs.forget()
        self._outputs.publish_mount(header, camera_frame, self._mount.fixed)
        return self._odometry

    def _why_begin_anew(self, cameras: list[Camera], stamp_ns: int, source: tuple[str, int]) -> str:
        """Return why the odometry so far does not hold for a frame, or an empty string."""
        if self._odometry is None:
            return ""
        if not self._has_same(cameras):
            return "the calibration has changed"
        if source != self._source:
            return f"features of {source[0]} follow those of {self._source[0]}"
        if stamp_ns < self._stamp_ns - JUMP_BACK_NS:
            return f"time has jumped back by {(self._stamp_ns - stamp_ns) * 1e-9:.1f} s"
        return ""

    def _has_same(self, cameras: list[Camera]) -> bool:
        return all(new is old for new, old in zip(cameras, self._cameras, strict=True))

    def _measure_depths(
        self, inputs: FrameInputs, extraction: Extraction
    ) -> NDArray[np.float64] | None:
        """Return the depths (N,) of the keypoints, metres, or None for a single camera."""
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

    def _publish(self, extraction: Extraction, result: OdometryResult) -> None:
        """Publish what a frame yielded; `odom` is where the base was at the first keyframe."""
        size = extraction.features.image_size
        self._outputs.publish_matches(extraction.header, size, result.tracks)
        if result.T_world_camera is None or self._T_base_camera is None:
            return
        T_base_camera = self._T_base_camera
        adjoint = se3.adjoint(T_base_camera)
        self._outputs.publish_pose(
            extraction.header,
            T_base_camera @ result.T_world_camera @ se3.inverse(T_base_camera),
            adjoint @ result.covariance @ adjoint.T,
            is_measured=result.state is State.TRACKING,
        )

    def _report(self, status: OdometryStatus, cause: str = "") -> None:
        """Publish the status of a frame and count it; `cause` says why it could not be used."""
        if cause:
            self._health.skipped(cause, status.reason)
        else:
            stages = {name: getattr(status, f"{name}_ms") for name in STAGES}
            self._health.processed(self.frame_s * 1e3, **stages)
            if status.state != OdometryStatus.TRACKING:
                self._health.problem(status.reason)
        status.num_processed = self._health.num_processed
        status.num_skipped = (
            self._health.num_skipped + self._worker.num_replaced + self._inputs.num_unpaired
        )
        age_ns = self.get_clock().now().nanoseconds - stamp_to_ns(status.header.stamp)
        status.latency_ms = age_ns * 1e-6
        self._outputs.publish_status(status)

    def _failed(self, inputs: FrameInputs, error: Exception) -> None:
        """Answer a frame that broke us, too: whoever waits for its status must not stall."""
        status = OdometryStatus(header=inputs.delivery.header)
        status.state = OdometryStatus.UNUSABLE
        status.reason = f"{type(error).__name__}: {error}"
        self._report(status, cause="failed")

    def destroy_node(self) -> None:
        """Let the frame in work end, then release everything."""
        self._worker.stop()
        super().destroy_node()


def main() -> int:
    """Run the node."""
    return run(TrackerNode)
