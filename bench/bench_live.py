"""Play a recording at its own rate through the real topics: `python3 bench/bench_live.py DATASET`.

Two processes as on a robot, and this one that listens: a player that sends images when the camera
did, and the composed node with all its defaults. Printed are the images that were answered, the
latency from sending an image to its status, the stages, and what a frame costs the composed node in
processor time and page faults once it is warm.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import rclpy
from aliked_ros.msg import OdometryStatus
from rclpy.executors import SingleThreadedExecutor

from aliked_ros.cli.run import find_node
from aliked_ros.config import MODELS, SENSORS
from aliked_ros.nodes.base.qos import RECORD_QOS
from aliked_ros.nodes.base.run import load_transport_profile

STAGES = ("transport", "wait", "decode", "extract", "handover", "depth", "match", "estimate")
STATES = {
    getattr(OdometryStatus, name): name
    for name in ("UNUSABLE", "INITIALISING", "TRACKING", "LOST", "PAUSED", "PREDICTED")
}
_UNCOMPRESSED = [cv2.IMWRITE_TIFF_COMPRESSION, 1]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cost_of(pid: int) -> tuple[float, int]:
    """Return the processor time of a process, s, and its page faults, since it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    minor, major, user, system = int(fields[7]), int(fields[9]), int(fields[11]), int(fields[12])
    return (user + system) / _TICKS_PER_S, minor + major


class Listener:
    """Collects the status of every image, and what the composed node has cost by then."""

    def __init__(self, node: rclpy.node.Node, pid: int) -> None:
        self.messages: list[OdometryStatus] = []
        self._pid = pid
        self._costs: list[tuple[float, int]] = []
        node.create_subscription(OdometryStatus, "status", self._receive, RECORD_QOS)

    def _receive(self, message: OdometryStatus) -> None:
        self.messages.append(message)
        self._costs.append(cost_of(self._pid))

    def cost_per_frame(self, warm_up: int) -> tuple[float, float]:
        """Return processor time, ms, and page faults of a frame after the first ones."""
        num = len(self._costs) - 1 - warm_up
        if num < 1:
            raise RuntimeError(f"{len(self._costs)} answers: too few to tell what a frame costs")
        spent = np.subtract(self._costs[-1], self._costs[warm_up])
        return float(spent[0]) * 1e3 / num, float(spent[1]) / num


def lay_out_raw(dataset: Path, folder: Path) -> Path:
    """Copy a folder in TUM's layout with images that cost no decoding, as those of a camera."""
    for path in sorted(dataset.rglob("*")):
        target = folder / path.relative_to(dataset)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            cv2.imwrite(str(target.with_suffix(".tiff")), image, _UNCOMPRESSED)
        elif path.name in ("rgb.txt", "depth.txt"):
            target.write_text(path.read_text().replace(".png", ".tiff"))
        elif path.is_file():
            shutil.copyfile(path, target)
    return folder


def start(node: str, *parameters: str) -> subprocess.Popen[bytes]:
    """Start a node with parameters NAME:=VALUE."""
    arguments = [word for parameter in parameters for word in ("-p", parameter)]
    return subprocess.Popen([sys.executable, str(find_node(node)), "--ros-args", *arguments])


def play(options: argparse.Namespace, report: Path) -> tuple[Listener, dict[str, object]]:
    """Play the recording once."""
    node = rclpy.create_node("listener")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    composed = start(
        "composed_node", f"odometry.sensor:={options.sensor}", f"extractor.model:={options.model}",
        f"extractor.weights:='{options.weights}'", f"extractor.precision:={options.precision}",
        "camera_transform:=optical",
    )  # fmt: skip
    listener = Listener(node, composed.pid)
    player = start(
        "player_node", f"dataset:={options.dataset}", f"sensor:={options.sensor}", "stamps:=now",
        f"rate:={options.rate}", f"report:={report}", "settle_s:=4.0",
    )  # fmt: skip
    try:
        while player.poll() is None:
            executor.spin_once(timeout_sec=0.1)
            if composed.poll() is not None:
                raise RuntimeError(f"the composed node ended with {composed.returncode}")
    finally:
        for process in (player, composed):
            process.terminate()
            process.wait()
    if player.returncode:
        raise RuntimeError(f"the player ended with {player.returncode}")
    node.destroy_node()
    return listener, json.loads(report.read_text())


def describe(listener: Listener, report: dict[str, object], warm_up: int) -> str:
    """Return the figures as lines."""
    answered = listener.messages
    states = Counter(STATES.get(message.state, str(message.state)) for message in answered)
    latency_ms = np.array([message.latency_ms for message in answered])
    median, p99 = np.percentile(latency_ms, [50, 99])
    cpu_ms, faults = listener.cost_per_frame(warm_up)
    stages = ", ".join(
        f"{stage} {np.median([getattr(message, stage + '_ms') for message in answered]):.1f}"
        for stage in STAGES
    )
    used = sum(states[name] for name in ("TRACKING", "PREDICTED"))
    return (
        f"{len(answered)} of {report['sent']} images answered, {used} with a pose "
        f"({', '.join(f'{name} {count}' for name, count in states.most_common())})\n"
        f"latency median {median:.1f} ms, p99 {p99:.1f}\n"
        f"median of the stages, ms: {stages}\n"
        f"composed node: {cpu_ms:.1f} ms processor time and {faults:.0f} page faults a frame"
    )


def main() -> int:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="folder, bag, video or 'synthetic'")
    parser.add_argument("--sensor", default="rgbd", choices=SENSORS)
    parser.add_argument("--model", default="aliked-t16", choices=MODELS)
    parser.add_argument("--weights", default="", help="as the parameter extractor.weights")
    parser.add_argument("--precision", default="float32", help="as extractor.precision")
    parser.add_argument("--rate", type=float, default=1.0, help="1 is the camera's own rate")
    parser.add_argument(
        "--raw", action="store_true",
        help="first copy a folder in TUM's layout without compression (1.5 MB a frame in $TMPDIR): "
        "a camera has no PNG files to decode",
    )  # fmt: skip
    parser.add_argument("--warm-up", type=int, default=30, help="answers that cost no matter what")
    options = parser.parse_args()
    load_transport_profile()
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    rclpy.init()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if options.raw:
            options.dataset = lay_out_raw(Path(options.dataset), Path(folder) / "recording")
        listener, report = play(options, Path(folder) / "report.json")
    what = f"{options.model}, {options.precision}, {options.sensor}"
    print(f"{what}, {os.cpu_count()} cores, rate {options.rate:g}")
    print(describe(listener, report, options.warm_up))
    print(f"took {time.monotonic() - started:.0f} s")
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
