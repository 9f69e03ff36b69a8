"""What the player works with: a sequence, sent frame by frame on a thread of its own."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nav_msgs.msg import Odometry
from rclpy.logging import get_logger
from rclpy.node import Node

from aliked_ros.config.companions import PlayerConfig
from aliked_ros.datasets import FrameError
from aliked_ros.datasets.sequence import Sequence
from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.qos import RECORD_QOS
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.player.answers import Answers
from aliked_ros.nodes.player.audience import Audience
from aliked_ros.nodes.player.camera_topics import CameraTopics
from aliked_ros.nodes.player.opening import in_words_of_ros
from aliked_ros.structs import Frame

FIRST_STAMP_NS = 1_000_000_000  # a stamp of zero means "no stamp" to tf2 and to synchronisers


class PlayerWork:
    """Publishes a sequence, waits for the answers, reports, and ends.

    With rate 0 the next frame is sent as soon as the status of the last one has come back.

    Args:
        node: publishes.
        topics: subscribes.
        config: what is played, and how.
        sequence: the frames.
        remarks: what was said of it, for the report.
        diagnostics: counts them.
        on_end: called at the end with whether it failed.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        config: PlayerConfig,
        sequence: Sequence,
        remarks: list[str],
        diagnostics: Diagnostics,
        on_end: Callable[[bool], None],
    ) -> None:
        self._logger, self._context = node.get_logger(), node.context
        self._config, self._sequence, self._on_end = config, sequence, on_end
        self._diagnostics, self._remarks = diagnostics, remarks
        diagnostics.show("right and depth images left out", sequence.left_out.total)
        first_ns = int(sequence.stamps_ns[0])
        self._offset_ns = FIRST_STAMP_NS - first_ns if first_ns < FIRST_STAMP_NS else 0
        self._answers = Answers()
        self._num_broken = 0
        self._left_out: Counter[str] = Counter()  # right and depth images, that were said
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._topics = CameraTopics(node, sequence, config.clock)
        self._audience = Audience(node, config, lambda: self._topics.num_subscribers, self._stop)
        topics.subscribe(OdometryStatus, "status", RECORD_QOS, self._store_status, is_watched=False)
        topics.subscribe(Odometry, "odometry", RECORD_QOS, self._store_odometry, is_watched=False)

    def start(self) -> None:
        """Begin to play, at the first frame."""
        self._logger.info(
            f"{self._sequence.name} ({self._sequence.layout}): {len(self._sequence)} frames; "
            f"stamps moved by {self._offset_ns} ns; waiting for a subscriber of image_raw"
        )
        self._stop.clear()
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the frame in work end, and wait for no answer any more."""
        self._stop.set()
        self._answers.give_up()
        if self._thread is not None:
            self._thread.join()
        self._thread, self._answers = None, Answers()

    def _store_status(self, message: OdometryStatus, _: int) -> None:
        self._answers.answered(stamp_to_ns(message.header.stamp))

    def _store_odometry(self, message: Odometry, _: int) -> None:
        self._answers.pose_received(stamp_to_ns(message.header.stamp))

    def _play(self) -> None:
        has_failed = False
        try:
            self._audience.wait()
            self._send_all()
            self._answers.wait_for_last(self._config.answer_timeout_s)
            self._write_report()
        except Exception as error:  # a thread must not die in silence
            if not self._context.ok():  # somebody ends the process
                self._write_report()
                return
            has_failed = True
            self._diagnostics.fatal(explain(error))
        if not self._stop.is_set():
            self._on_end(has_failed)

    def _send_all(self) -> None:
        rate, started_s, first_ns = self._config.rate, time.monotonic(), None
        sensor = self._config.sensor or None
        for frame in self._sequence.frames(sensor, on_error=self._count_broken):
            if self._stop.is_set():
                return
            first_ns = frame.stamp_ns if first_ns is None else first_ns
            if rate > 0:
                due_s = started_s + (frame.stamp_ns - first_ns) * 1e-9 / rate
                self._stop.wait(max(0.0, due_s - time.monotonic()))
            stamp_ns = self._send(frame)
            if rate == 0:
                self._wait_for_answer(stamp_ns)
        if first_ns is None:
            raise ValueError(
                f"none of the {len(self._sequence)} frames of {self._sequence.name} could be sent"
            )

    def _count_broken(self, error: FrameError) -> None:
        self._num_broken += 1
        self._diagnostics.count_received()
        self._diagnostics.count_skipped("unreadable", str(error))

    def _send(self, frame: Frame) -> int:
        """Publish everything that belongs to a frame; return its stamp in nanoseconds."""
        start_s = time.perf_counter()
        self._diagnostics.count_received()
        stamp_ns = frame.stamp_ns + self._offset_ns
        if self._config.stamps == "now":
            stamp_ns = time.time_ns()  # not the node's clock, which may be the one that we publish
        self._topics.send(frame, stamp_ns, partial(self._answers.sent, stamp_ns))
        self._count_left_out()
        self._diagnostics.count_processed((time.perf_counter() - start_s) * 1e3)
        return stamp_ns

    def _count_left_out(self) -> None:
        """Count the right and depth images that were left out since; a reason is said once."""
        left_out = self._sequence.left_out.copy()
        for reason, number in (left_out - self._left_out).items():
            for _ in range(number):
                said = f"left out: {in_words_of_ros(reason)}"
                self._diagnostics.count("right and depth images left out", said)
        self._left_out = left_out

    def _wait_for_answer(self, stamp_ns: int) -> None:
        timeout_s = self._config.answer_timeout_s
        if not self._answers.wait_for(stamp_ns, timeout_s):
            self._diagnostics.warn(f"no status for stamp {stamp_ns} within {timeout_s:.0f} s")

    def _write_report(self) -> None:
        report = {
            "sequence": self._sequence.name,
            "layout": self._sequence.layout,
            "stamp_offset_s": self._offset_ns * 1e-9,
            "unreadable": self._num_broken,
            "remarks": self._remarks,
            "left_out": dict(self._sequence.left_out),
            **self._answers.report(),
        }
        # Behind Ctrl-C the node's own logger would fail to publish the line, and say so.
        is_up = self._context.ok() and not self._stop.is_set()
        logger = self._logger if is_up else get_logger(f"{self._logger.name}.end")
        logger.info("played: " + json.dumps(report))
        if self._config.report:
            path = Path(self._config.report)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(report, indent=2) + "\n")
