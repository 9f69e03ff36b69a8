"""A dataset -> camera topics, in real time, faster, or as fast as the consumer keeps up."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from nav_msgs.msg import Odometry
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from aliked_ros.config import SENSORS
from aliked_ros.datasets import FrameError, open_sequence
from aliked_ros.geometry.rectification import rectify_pair
from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.answers import Answers
from aliked_ros.nodes.conversions import (
    camera_to_message,
    image_to_message,
    ns_to_stamp,
    stamp_to_ns,
)
from aliked_ros.nodes.parameters import declare
from aliked_ros.nodes.run import run
from aliked_ros.nodes.topics import RESULT_QOS
from aliked_ros.structs import Camera, Frame

STAMPS = ("dataset", "now")
FIRST_STAMP_NS = 1_000_000_000  # a stamp of zero means "no stamp" to tf2 and to synchronisers
CAMERA_FRAME = "camera_optical_frame"
RIGHT_FRAME = "right_camera_optical_frame"


class PlayerNode(Node):
    """Publishes a sequence, waits for the answers, reports, and ends.

    With rate 0 the next frame is sent as soon as the status of the last one has come back.
    """

    def __init__(self) -> None:
        super().__init__("aliked_player")
        path = declare(
            self, "dataset", "", "folder, video or rosbag2 to play; 'synthetic' renders a room"
        )
        sensor = declare(self, "sensor", "", "publish what mono, stereo or rgbd needs; empty: all")
        camera_info = declare(self, "camera_info", "", "calibration file that overrides the set's")
        self._rate = declare(
            self, "rate", 1.0, "1 is real time, N times faster, 0 as fast as the consumer keeps up"
        )
        self._stamps = declare(self, "stamps", "dataset", "dataset's stamps or the time of sending")
        self._with_clock = declare(self, "clock", False, "publish /clock with each stamp")
        self._start_timeout_s = declare(
            self, "start_timeout_s", 60.0, "wait this long for somebody to subscribe to image_raw"
        )
        self._settle_s = declare(
            self, "settle_s", 2.0, "then wait this long, so that all nodes find each other"
        )
        self._answer_timeout_s = declare(
            self, "answer_timeout_s", 20.0, "wait this long for the status of a frame"
        )
        self._report_path = declare(self, "report", "", "write counts and latencies to this file")
        self._check(path, sensor)
        self._sensor: str | None = sensor or None
        self._sequence = open_sequence(path, camera_info=Path(camera_info) if camera_info else None)
        self._sequence.require(self._sensor)
        first_ns = int(self._sequence.stamps_ns[0])
        self._offset_ns = FIRST_STAMP_NS - first_ns if first_ns < FIRST_STAMP_NS else 0
        self._cameras = self._calibrate()
        self._answers = Answers()
        self._num_broken = 0
        self._stop = threading.Event()
        self.failed = False

        self._image = self.create_publisher(Image, "image_raw", RESULT_QOS)
        self._info = self.create_publisher(CameraInfo, "camera_info", RESULT_QOS)
        self._right = self.create_publisher(Image, "right/image_raw", RESULT_QOS)
        self._right_info = self.create_publisher(CameraInfo, "right/camera_info", RESULT_QOS)
        self._depth = self.create_publisher(Image, "depth/image_raw", RESULT_QOS)
        self._clock_publisher = (
            self.create_publisher(Clock, "/clock", 10) if self._with_clock else None
        )
        self.create_subscription(OdometryStatus, "status", self._store_status, 100)
        self.create_subscription(Odometry, "odometry", self._store_odometry, 100)
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)
        self._thread.start()

    def _store_status(self, message: OdometryStatus) -> None:
        self._answers.answered(stamp_to_ns(message.header.stamp))

    def _store_odometry(self, message: Odometry) -> None:
        self._answers.pose_received(stamp_to_ns(message.header.stamp))

    def _check(self, path: str, sensor: str) -> None:
        if not path:
            raise ValueError("dataset is empty: give a folder, a video, a rosbag2 or 'synthetic'")
        if sensor and sensor not in SENSORS:
            raise ValueError(f"sensor is {sensor!r}: use one of {', '.join(SENSORS)} or nothing")
        if self._rate < 0:
            raise ValueError(f"rate is {self._rate}: use 0 or a positive number")
        if self._stamps not in STAMPS:
            raise ValueError(f"stamps is {self._stamps!r}: use one of {', '.join(STAMPS)}")

    def _calibrate(self) -> tuple[Camera | None, Camera | None]:
        """Return both cameras, with the R and P of their rectification if they are a pair."""
        left, right = self._sequence.camera, self._sequence.right_camera
        if left is not None and right is not None and self._sequence.T_left_right is not None:
            return rectify_pair(left, right, self._sequence.T_left_right)
        return left, right

    def _play(self) -> None:
        try:
            self._wait_for_subscriber()
            self._send_all()
            self._answers.wait_for_last(self._answer_timeout_s)
            self._write_report()
        except Exception as error:  # a thread must not die in silence
            if not self._stop.is_set():
                self.failed = True
                self.get_logger().fatal(f"{type(error).__name__}: {error}")
        finally:
            self.context.try_shutdown()

    def _wait_for_subscriber(self) -> None:
        self.get_logger().info(
            f"{self._sequence.name} ({self._sequence.layout}): {len(self._sequence)} frames; "
            f"stamps moved by {self._offset_ns} ns; waiting for a subscriber of image_raw"
        )
        deadline = time.monotonic() + self._start_timeout_s
        while self._image.get_subscription_count() == 0 and not self._stop.wait(0.05):
            if time.monotonic() > deadline:
                self.get_logger().warning(
                    f"nobody subscribed to {self._image.topic_name} within "
                    f"{self._start_timeout_s:.0f} s: playing all the same"
                )
                return
        if self._rate == 0:
            self._wait_for_tracker(deadline)
        self._stop.wait(self._settle_s)

    def _wait_for_tracker(self, deadline: float) -> None:
        """Wait for extractor and tracker: without a status, each frame would wait in vain."""
        while time.monotonic() < deadline and not self._stop.wait(0.05):
            if self.count_publishers("features") and self.count_publishers("status"):
                return

    def _send_all(self) -> None:
        started, first_ns = time.monotonic(), None
        for frame in self._sequence.frames(self._sensor, on_error=self._broken):
            if self._stop.is_set():
                return
            first_ns = frame.stamp_ns if first_ns is None else first_ns
            if self._rate > 0:
                due = started + (frame.stamp_ns - first_ns) * 1e-9 / self._rate
                self._stop.wait(max(0.0, due - time.monotonic()))
            stamp_ns = self._send(frame)
            if self._rate == 0 and not self._answers.wait_for(stamp_ns, self._answer_timeout_s):
                self.get_logger().warning(
                    f"no status for stamp {stamp_ns} within {self._answer_timeout_s:.0f} s"
                )

    def _broken(self, error: FrameError) -> None:
        self._num_broken += 1
        self.get_logger().warning(f"skipped {error}")

    def _send(self, frame: Frame) -> int:
        """Publish everything that belongs to a frame; return its stamp in nanoseconds."""
        stamp_ns = frame.stamp_ns + self._offset_ns
        if self._stamps == "now":
            stamp_ns = time.time_ns()  # not the node's clock, which may be the one that we publish
        stamp = ns_to_stamp(stamp_ns)
        left = Header(stamp=stamp, frame_id=CAMERA_FRAME)
        right = Header(stamp=stamp, frame_id=RIGHT_FRAME)
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=stamp))
        for camera, header, publisher in zip(
            self._cameras, (left, right), (self._info, self._right_info), strict=True
        ):
            if camera is not None:
                publisher.publish(camera_to_message(camera, header))
        # Partners first: the pair is complete as soon as the features of the left image are.
        if frame.right_image is not None:
            self._right.publish(image_to_message(frame.right_image, right))
        if frame.depth_m is not None:
            self._depth.publish(image_to_message(frame.depth_m, left))
        message = image_to_message(frame.image, left)
        self._answers.sent(stamp_ns)
        self._image.publish(message)
        return stamp_ns

    def _write_report(self) -> None:
        report = {
            "sequence": self._sequence.name,
            "layout": self._sequence.layout,
            "stamp_offset_s": self._offset_ns * 1e-9,
            "unreadable": self._num_broken,
            **self._answers.report(),
        }
        self.get_logger().info("played: " + json.dumps(report))
        if self._report_path:
            path = Path(self._report_path)
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
