"""What the tracker works with: features as they come -> poses, and answers to its services."""

from __future__ import annotations

import threading
import time

import numpy as np
import torch
from rclpy.node import Node
from std_msgs.msg import Header

from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.base.worker import NewestWorker
from aliked_ros.nodes.tracker.announcement import Announcement
from aliked_ros.nodes.tracker.beginning import Beginning
from aliked_ros.nodes.tracker.frame_inputs import FrameInputs
from aliked_ros.nodes.tracker.inputs import TrackerInputs
from aliked_ros.nodes.tracker.services import TrackerServices
from aliked_ros.nodes.tracker.session import MakeOdometry, Session
from aliked_ros.nodes.tracker.settings import TrackerSettings
from aliked_ros.nodes.tracker.state_text import StateText
from aliked_ros.nodes.tracker.status import Outcome, StatusOutput
from aliked_ros.structs import Array, Index

PAUSED = "paused: call ~/resume"


class TrackerWork:
    """Tracks the newest image on a thread of its own.

    Args:
        node: publishes and offers services.
        topics: subscribes.
        settings: of the tracker.
        device: where descriptors are matched.
        make_odometry: config, matcher, camera and right camera or None -> odometry.
        has_local_extractor: whether an extractor in the same process calls `receive`.
        diagnostics: counts what becomes of images.

    Attributes:
        frame_s: time that the last image took.
        is_paused: whether images are skipped.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        settings: TrackerSettings,
        device: torch.device,
        make_odometry: MakeOdometry,
        has_local_extractor: bool,
        diagnostics: Diagnostics,
    ) -> None:
        self.frame_s = 0.0
        self.is_paused = False
        self._context = node.context
        self._lock = threading.Lock()  # an image in work, or what a service asks for
        self._diagnostics = diagnostics
        self._session = Session(node, topics, settings, device, make_odometry, diagnostics)
        self._status = StatusOutput(node, diagnostics)
        self._text = StateText(node, settings.frames.odom_frame, settings.outputs.marker_size_m)
        self._announcement = Announcement(node.get_logger().info, time.monotonic)
        TrackerServices(node, self, settings.outputs.output_dir)
        worker = self._worker = NewestWorker(self._process, self._failed)
        skipped = diagnostics.counts.skipped_elsewhere
        skipped("newer features came", lambda: worker.num_replaced)
        skipped("the node was stopped", lambda: worker.num_dropped)
        self._inputs = TrackerInputs(
            node, topics, settings, has_local_extractor, worker.put, self._reject, diagnostics
        )

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()

    def stop(self) -> None:
        """Let the image in work end; what waits for its partners is dropped."""
        self._inputs.clear()
        self._worker.stop()
        with self._lock:
            self._session.break_off()

    def reconfigure(self, settings: TrackerSettings) -> None:
        """Take other live parameters from the next image on; pose and map stay."""
        with self._lock:
            self._session.reconfigure(settings)
        self._inputs.reconfigure(settings.inputs)

    def receive(self, handover: Handover) -> None:
        """Take the features of an image from an extractor in the same process, in its thread."""
        self._inputs.receive(handover)

    def pass_over(self, header: Header) -> None:
        """Answer an image that an extractor in the same process skipped because we are paused."""
        self._inputs.heard()
        self._diagnostics.count_received()
        self._reject(header, "paused", PAUSED)

    def reset(self, T_odom_base: Array, why: str) -> None:
        """Forget everything; at the next image the base is at a pose (4, 4), metres."""
        with self._lock:
            self._inputs.clear()
            self._session.restart(Beginning(T_odom_base, np.zeros((6, 6))), why)

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
            self._text.publish(outcome, self._session.last_pose)
            self._announcement.note(outcome)

    def _reject(self, header: Header, cause: str, reason: str) -> None:
        """Answer an image that cannot be used, in any thread."""
        num_restarts = self._session.num_restarts
        outcome = Outcome(header, cause, reason, num_restarts=num_restarts)
        self._status.publish(outcome)
        self._text.publish(outcome)

    def _failed(self, inputs: FrameInputs, error: Exception) -> None:
        """Answer an image that broke us, too: whoever waits for its status must not stall."""
        if self._context.ok():  # else Ctrl-C came in the middle of the image
            self._reject(inputs.handover.header, "failed", explain(error))
