"""Time from starting `composed_node` to its first answer: `python3 bench/bench_node_startup.py`.

A camera sends ten images a second from the beginning; every image is answered by a status. "made":
the node's topics are there. Processor time is that of the node up to its answer: on a machine with
other work it tells more than the time on the wall.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import rclpy
from aliked_ros.msg import OdometryStatus
from bench_live import cost_of
from bench_nodes import make_image
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, Image

from aliked_ros.cli.run import find_node
from aliked_ros.nodes.base.conversions.cameras import camera_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.nodes.base.run import load_transport_profile
from aliked_ros.structs import Camera

PERIOD_S = 0.1
TIMEOUT_S = 120.0
PARAMETERS = (
    "extractor.model:=aliked-t16", "extractor.weights:=package", "extractor.device:=cpu",
    "camera_transform:=optical",
)  # fmt: skip


class FakeCamera:
    """Sends an image and its calibration at every tick, and hears the first status."""

    def __init__(self) -> None:
        self.node = rclpy.create_node("camera")
        self.is_answered = False
        self._image = make_image()
        K = np.array([[500.0, 0.0, 320.0], [0.0, 500.0, 240.0], [0.0, 0.0, 1.0]])
        self._info = camera_to_message(Camera(640, 480, K), self._image.header)
        self._images = self.node.create_publisher(Image, "image_raw", RESULT_QOS)
        self._infos = self.node.create_publisher(CameraInfo, "camera_info", RESULT_QOS)
        self.node.create_subscription(OdometryStatus, "status", self._receive, RESULT_QOS)
        self.node.create_timer(PERIOD_S, self._send)

    @property
    def sees_the_node(self) -> bool:
        """Whether somebody else has made the topic of the status."""
        return self.node.count_publishers("status") > 0

    def _send(self) -> None:
        self._image.header.stamp = self._info.header.stamp = ns_to_stamp(time.time_ns())
        self._infos.publish(self._info)
        self._images.publish(self._image)

    def _receive(self, _: OdometryStatus) -> None:
        self.is_answered = True


def time_start(executable: Path) -> tuple[float, float, float]:
    """Return s until the node is made, until its first answer, and of the processor for that."""
    camera = FakeCamera()
    executor = SingleThreadedExecutor()
    executor.add_node(camera.node)
    words = [word for parameter in PARAMETERS for word in ("-p", parameter)]
    began = time.perf_counter()
    node = subprocess.Popen([sys.executable, str(executable), "--ros-args", *words])
    made_s = None
    try:
        while not camera.is_answered:
            executor.spin_once(timeout_sec=0.02)
            passed_s = time.perf_counter() - began
            if made_s is None and camera.sees_the_node:
                made_s = passed_s
            if node.poll() is not None or passed_s > TIMEOUT_S:
                raise RuntimeError(f"no answer within {passed_s:.0f} s")
        cpu_s, _ = cost_of(node.pid)
    finally:
        node.terminate()
        node.wait()
        executor.shutdown()
        camera.node.destroy_node()
    return made_s or passed_s, passed_s, cpu_s


def main() -> None:
    """Print medians and least values of several starts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--executables", type=Path, nargs="*", help="composed nodes of several builds, in turns"
    )
    options = parser.parse_args()
    executables = options.executables or [find_node("composed_node")]
    load_transport_profile()
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    rclpy.init()
    runs: dict[Path, list[tuple[float, float, float]]] = {path: [] for path in executables}
    for _ in range(options.repeats):
        for path, rows in runs.items():
            rows.append(time_start(path))
    for path, rows in runs.items():
        columns = zip(("made", "answered", "processor"), zip(*rows, strict=True), strict=True)
        shown = [
            f"{name} {statistics.median(column):.2f} s (least {min(column):.2f})"
            for name, column in columns
        ]
        print(f"{path.name}: {', '.join(shown)}")
    rclpy.shutdown()


if __name__ == "__main__":
    main()
