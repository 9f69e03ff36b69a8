"""Features -> matches, odometry and the state of the tracking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Header

from aliked_ros.extractor import pick_device
from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.calibration import NotReadyError
from aliked_ros.nodes.conversions import stamp_to_ns
from aliked_ros.nodes.extraction import Delivery, Extraction
from aliked_ros.nodes.health import Health
from aliked_ros.nodes.imu import ImuOrientation
from aliked_ros.nodes.map_outputs import MapOutputs
from aliked_ros.nodes.parameters import declare
from aliked_ros.nodes.run import run
from aliked_ros.nodes.scale_source import ScaleSource
from aliked_ros.nodes.services import TrackerServices
from aliked_ros.nodes.session import Session, make_live_odometry
from aliked_ros.nodes.topics import declare_transport
from aliked_ros.nodes.tracker_inputs import FrameInputs, TrackerInputs
from aliked_ros.nodes.tracker_outputs import TrackerOutputs, fill_extraction, fill_status
from aliked_ros.nodes.vins_tracks import VinsTracks
from aliked_ros.nodes.worker import NewestWorker
from aliked_ros.odometry.increment import IncrementCovariance
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, OdometryResult, State
from aliked_ros.odometry.visual_odometry import VisualOdometry
from aliked_ros.structs import Array, Index

STAGES = ("handover", "depth", "match", "estimate")


class TrackerNode(Node):
    """Takes `features` and `camera_info`; publishes a `status` for every frame.

    Args:
        make_odometry: config, matcher and cameras -> odometry.
        has_local_extractor: an extractor in the same process calls `receive`; nothing is
            subscribed that it hands over.

    Attributes:
        frame_s: time that the last frame took.
        is_paused: whether frames are passed over.
    """

    def __init__(
        self,
        make_odometry: Callable[..., VisualOdometry] = make_live_odometry,
        has_local_extractor: bool = False,
    ) -> None:
        super().__init__("aliked_tracker")
        transport = declare_transport(self)
        self._device = pick_device(declare(self, "device", "auto", "where descriptors are matched"))
        slop_s = declare(
            self, "sync_slop_s", 0.01, "stamps of one instant differ by less than this"
        )
        queue_size = declare(
            self, "sync_queue_size", 60, "images that wait for their features at the most"
        )

        self.frame_s = 0.0
        self._lock = threading.Lock()  # a frame in work, or what a service asks for
        self.is_paused = False
        self._increments = IncrementCovariance()
        self._health = Health(self, hardware_id=str(self._device))
        self._outputs = TrackerOutputs(self)
        self._map_outputs = MapOutputs(self, self._outputs.odom_frame)
        self._vins = VinsTracks(self)
        self._session = Session(self, make_odometry, self._outputs, self._health, self._forget)
        self._scale = ScaleSource(self, self._session.sensor, self._health)
        self._imu = ImuOrientation(
            self, self._outputs.base_frame, self._session.rotation_noise_deg, self._health
        )
        TrackerServices(self, self)
        self._worker = NewestWorker(self._process, self._failed)
        self._health.show("skipped, newer features came", lambda: self._worker.num_replaced)
        self._inputs = TrackerInputs(
            self,
            self._session.sensor,
            transport,
            slop_s,
            queue_size,
            self._health,
            self._worker.put,
            has_local_extractor,
        )
        self.get_logger().info(f"{self._session.sensor} odometry, matching on {self._device}")

    def receive(self, delivery: Delivery) -> None:
        """Take the features of an image from an extractor in the same process, in its thread."""
        self._inputs.receive(delivery)

    def pass_over(self, header: Header) -> None:
        """Answer an image that an extractor in the same process skipped because we rest."""
        with self._lock:
            self._health.received()
            self._rest(OdometryStatus(header=header))

    def reset(self, T_odom_base: Array) -> None:
        """Forget everything; at the next image the base is at a pose (4, 4)."""
        with self._lock:
            self._session.begin(T_odom_base)

    def pause(self, is_paused: bool) -> bool:
        """Rest or go on; return whether it was resting."""
        with self._lock:
            was_paused, self.is_paused = self.is_paused, is_paused
            # No velocity and no length spans the gap.
            self._increments.break_off()
            self._scale.break_off()
            self._outputs.break_off()
        return was_paused

    def trajectory(self) -> list[tuple[int, Array]]:
        """Return stamps (ns) and T_odom_base (4, 4) since the last begin."""
        with self._lock:
            poses = list(self._outputs.trajectory)
        return [(stamp_ns, np.frombuffer(T).reshape(4, 4)) for stamp_ns, T in poses]

    def landmarks(self) -> tuple[int, Array, Index]:
        """Return the newest stamp (ns), points_odom (L, 3) and num_seen (L,)."""
        with self._lock:
            return self._session.stamp_ns, *self._session.landmarks()

    def _forget(self) -> None:
        self._increments.forget()
        self._scale.forget()
        self._imu.forget()

    def _process(self, inputs: FrameInputs) -> None:
        with self._lock:
            status = OdometryStatus(header=inputs.delivery.header)
            status.handover_ms = (time.time_ns() - inputs.delivery.sent_ns) * 1e-6
            if self.is_paused:
                self._rest(status)
            else:
                self._follow(inputs, status)

    def _rest(self, status: OdometryStatus) -> None:
        status.state, status.reason = OdometryStatus.PAUSED, "paused: call ~/resume"
        self._report(status, cause="paused")

    def _follow(self, inputs: FrameInputs, status: OdometryStatus) -> None:
        start = time.perf_counter()
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
            self._publish(extraction, result, status)
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
        odometry = self._session.prepare(extraction)
        start = time.perf_counter()
        features = extraction.features.to(self._device)
        depths_m = self._session.measure_depths(inputs, extraction)
        measured = time.perf_counter()
        matches = odometry.match(features)
        matched = time.perf_counter()
        stamp_ns = stamp_to_ns(extraction.header.stamp)
        # As late as possible: by now the sensor has spoken of this instant.
        R_inertial_camera = self._imu.at(stamp_ns, self._session.T_base_camera)
        result = odometry.estimate(stamp_ns, features, matches, depths_m, R_inertial_camera)
        self._imu.compare(result)
        status.depth_ms = (measured - start) * 1e3
        status.match_ms = (matched - measured) * 1e3
        status.estimate_ms = (time.perf_counter() - matched) * 1e3
        return result

    def _publish(
        self, extraction: Extraction, result: OdometryResult, status: OdometryStatus
    ) -> None:
        """Publish what a frame yielded."""
        header, session = extraction.header, self._session
        self._outputs.publish_matches(header, extraction.features.image_size, result.tracks)
        self._vins.publish(header, session.camera, result)
        increment = self._increments.update(result)
        placement, T_world_camera = session.placement, result.T_world_camera
        if T_world_camera is None or placement is None:
            return
        why_not = self._scale.place(result, placement, session.odometry)
        if why_not:
            status.state, status.reason = OdometryStatus.INITIALISING, why_not
            return
        self._publish_pose(extraction, result, placement, increment)
        self._map_outputs.publish(
            header, session.camera, session.odometry, placement, T_world_camera, result.tracks
        )

    def _publish_pose(
        self,
        extraction: Extraction,
        result: OdometryResult,
        placement: Placement,
        increment: Array | None,
    ) -> None:
        assert result.T_world_camera is not None
        T_odom_base = placement.T_odom_base(result.T_world_camera)
        is_measured = result.state is State.TRACKING
        covariance = UNKNOWN_COVARIANCE
        if is_measured:
            covariance = placement.covariance_base(result.covariance)
            covariance = covariance + placement.scale_covariance(T_odom_base)
        if increment is not None:
            increment = placement.covariance_base(increment)
        self._outputs.publish_pose(
            extraction.header, T_odom_base, covariance, is_measured, increment
        )

    def _report(self, status: OdometryStatus, cause: str = "") -> None:
        """Publish the status of a frame and count it; `cause` says why it could not be used."""
        if cause:
            # Who pauses knows it: that is nothing to warn of.
            self._health.skipped(cause, "" if self.is_paused else status.reason)
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
        if not self.context.ok():  # Ctrl-C came in the middle of the frame
            return
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
