"""Features -> matches, odometry and the state of the tracking."""

from __future__ import annotations

import threading
import time

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Header

from aliked_ros.extractor import pick_device
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.base.worker import NewestWorker
from aliked_ros.nodes.tracker.inputs import FrameInputs, TrackerInputs
from aliked_ros.nodes.tracker.services import TrackerServices
from aliked_ros.nodes.tracker.session import MakeOdometry, Session, make_live_odometry
from aliked_ros.nodes.tracker.settings import read_settings
from aliked_ros.nodes.tracker.status import Outcome, StatusOutput
from aliked_ros.structs import Array, Index

PAUSED = "paused: call ~/resume"


class TrackerNode(Node):
    """Takes `features` and `camera_info`; publishes a `status` for every image.

    Args:
        make_odometry: config, matcher, camera and right camera or None -> odometry.
        has_local_extractor: an extractor in the same process calls `receive`; nothing is
            subscribed that it hands over.

    Attributes:
        frame_s: time that the last image took.
        is_paused: whether images are skipped.
    """

    def __init__(
        self, make_odometry: MakeOdometry = make_live_odometry, has_local_extractor: bool = False
    ) -> None:
        super().__init__("aliked_tracker")
        settings = read_settings(self)
        device = pick_device(settings.inputs.device)
        self.frame_s = 0.0
        self.is_paused = False
        self._lock = threading.Lock()  # an image in work, or what a service asks for
        diagnostics = self._diagnostics = Diagnostics(self, hardware_id=str(device))
        self._session = Session(self, settings, device, make_odometry, diagnostics)
        TrackerServices(self, self, settings.outputs.output_dir)
        self._worker = NewestWorker(self._process, self._failed)
        diagnostics.show("skipped, newer features came", lambda: self._worker.num_replaced)
        self._status = StatusOutput(self, diagnostics, self._num_passed_over)
        self._inputs = TrackerInputs(
            self, settings, has_local_extractor, self._worker.put, diagnostics
        )
        self.get_logger().info(f"{settings.odometry.sensor} odometry, matching on {device}")

    def receive(self, handover: Handover) -> None:
        """Take the features of an image from an extractor in the same process, in its thread."""
        self._inputs.receive(handover)

    def pass_over(self, header: Header) -> None:
        """Answer an image that an extractor in the same process skipped because we are paused."""
        with self._lock:
            self._diagnostics.count_received()
            self._status.publish(Outcome(header, "paused", PAUSED))

    def reset(self, T_odom_base: Array) -> None:
        """Forget everything; at the next image the base is at a pose (4, 4), metres."""
        with self._lock:
            self._session.restart(T_odom_base)

    def pause(self, is_paused: bool) -> bool:
        """Pause or resume; return whether it was paused."""
        with self._lock:
            was_paused, self.is_paused = self.is_paused, is_paused
            self._session.break_off()
        return was_paused

    def trajectory(self) -> list[tuple[int, Array]]:
        """Return stamps (ns) and T_odom_base (4, 4) since the last restart."""
        with self._lock:
            poses = self._session.trajectory()
        return [(stamp_ns, np.frombuffer(T).reshape(4, 4)) for stamp_ns, T in poses]

    def landmarks(self) -> tuple[int, Array, Index]:
        """Return the newest stamp (ns), points_odom (L, 3) in metres, and num_seen (L,)."""
        with self._lock:
            return self._session.landmarks()

    def _process(self, inputs: FrameInputs) -> None:
        with self._lock:
            start_s = time.perf_counter()
            handover_ms = (time.time_ns() - inputs.handover.sent_ns) * 1e-6
            if self.is_paused:
                stages_ms = {"handover": handover_ms}
                outcome = Outcome(inputs.handover.header, "paused", PAUSED, stages_ms=stages_ms)
            else:
                outcome = self._session.process(inputs, handover_ms)
            if not outcome.skipped:
                self.frame_s = time.perf_counter() - start_s
            self._status.publish(outcome, self.frame_s * 1e3)

    def _failed(self, inputs: FrameInputs, error: Exception) -> None:
        """Answer an image that broke us, too: whoever waits for its status must not stall."""
        if self.context.ok():  # else Ctrl-C came in the middle of the image
            reason = f"{type(error).__name__}: {error}"
            self._status.publish(Outcome(inputs.handover.header, "failed", reason))

    def _num_passed_over(self) -> int:
        """Return how many features never came to be worked on."""
        return self._worker.num_replaced + self._inputs.num_unpaired

    def destroy_node(self) -> None:
        """Let the image in work end, then release everything."""
        self._worker.stop()
        super().destroy_node()


def main() -> int:
    """Run the node."""
    return run(TrackerNode)
