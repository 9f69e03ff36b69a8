"""A dataset -> camera topics, in real time, faster, or as fast as the consumer keeps up."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from pathlib import Path

from nav_msgs.msg import Odometry
from rclpy.node import Node

from aliked_ros.config.nodes import PlayerConfig
from aliked_ros.datasets import FrameError, open_sequence
from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.parameters import read_config
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.player.answers import Answers
from aliked_ros.nodes.player.audience import Audience
from aliked_ros.nodes.player.camera_topics import CameraTopics
from aliked_ros.structs import Frame

FIRST_STAMP_NS = 1_000_000_000  # a stamp of zero means "no stamp" to tf2 and to synchronisers


class PlayerNode(Node):
    """Publishes a sequence, waits for the answers, reports, and ends.

    With rate 0 the next frame is sent as soon as the status of the last one has come back.
    """

    def __init__(self) -> None:
        super().__init__("aliked_player")
        config = self._config = read_config(self, PlayerConfig)
        camera_info = Path(config.camera_info) if config.camera_info else None
        self._sequence = open_sequence(config.dataset, camera_info=camera_info)
        self._sequence.require(config.sensor or None)
        first_ns = int(self._sequence.stamps_ns[0])
        self._offset_ns = FIRST_STAMP_NS - first_ns if first_ns < FIRST_STAMP_NS else 0
        self._answers = Answers()
        self._num_broken = 0
        self._stop = threading.Event()
        self.failed = False

        self._topics = topics = CameraTopics(self, self._sequence, config.clock)
        self._audience = Audience(self, config, lambda: topics.has_subscriber, self._stop)
        self.create_subscription(OdometryStatus, "status", self._store_status, 100)
        self.create_subscription(Odometry, "odometry", self._store_odometry, 100)
        self.get_logger().info(
            f"{self._sequence.name} ({self._sequence.layout}): {len(self._sequence)} frames; "
            f"stamps moved by {self._offset_ns} ns; waiting for a subscriber of image_raw"
        )
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)
        self._thread.start()

    def _store_status(self, message: OdometryStatus) -> None:
        self._answers.answered(stamp_to_ns(message.header.stamp))

    def _store_odometry(self, message: Odometry) -> None:
        self._answers.pose_received(stamp_to_ns(message.header.stamp))

    def _play(self) -> None:
        try:
            self._audience.wait()
            self._send_all()
            self._answers.wait_for_last(self._config.answer_timeout_s)
            self._write_report()
        except Exception as error:  # a thread must not die in silence
            if not self._stop.is_set():
                self.failed = True
                self.get_logger().fatal(f"{type(error).__name__}: {error}")
        finally:
            self.context.try_shutdown()

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

    def _count_broken(self, error: FrameError) -> None:
        self._num_broken += 1
        self.get_logger().warning(f"skipped {error}")

    def _send(self, frame: Frame) -> int:
        """Publish everything that belongs to a frame; return its stamp in nanoseconds."""
        stamp_ns = frame.stamp_ns + self._offset_ns
        if self._config.stamps == "now":
            stamp_ns = time.time_ns()  # not the node's clock, which may be the one that we publish
        self._topics.send(frame, stamp_ns, partial(self._answers.sent, stamp_ns))
        return stamp_ns

    def _wait_for_answer(self, stamp_ns: int) -> None:
        timeout_s = self._config.answer_timeout_s
        if not self._answers.wait_for(stamp_ns, timeout_s):
            self.get_logger().warning(f"no status for stamp {stamp_ns} within {timeout_s:.0f} s")

    def _write_report(self) -> None:
        report = {
            "sequence": self._sequence.name,
            "layout": self._sequence.layout,
            "stamp_offset_s": self._offset_ns * 1e-9,
            "unreadable": self._num_broken,
            **self._answers.report(),
        }
        self.get_logger().info("played: " + json.dumps(report))
        if self._config.report:
            path = Path(self._config.report)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(report, indent=2) + "\n")

    def destroy_node(self) -> None:
        """Let the frame in work end, then release everything."""
        self._stop.set()
        self._answers.give_up()
        self._thread.join()
        super().destroy_node()


def main() -> int:
    """Run the node; 1 if it could not play to the end."""
    players: list[PlayerNode] = []

    def make() -> PlayerNode:
        players.append(PlayerNode())
        return players[0]

    code = run(make)
    return 1 if players and players[0].failed else code
