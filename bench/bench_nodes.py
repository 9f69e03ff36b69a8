"""What the nodes themselves cost: `python3 bench/bench_nodes.py`.

Stand-ins replace the network and the odometry. Three processes, as on a robot: a camera, the nodes,
a listener. An image is stamped with the wall clock when it is published; its latency is the wall
clock when the listener has the result of that stamp.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rclpy
import torch
from aliked_ros.msg import Features as FeaturesMessage
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from aliked_ros.config import ExtractorConfig
from aliked_ros.nodes.base.conversions.cameras import camera_to_message
from aliked_ros.nodes.base.conversions.fields import flat, ns_to_stamp, stamp_to_ns
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.nodes.base.run import load_transport_profile, run
from aliked_ros.nodes.composed_node import make_nodes
from aliked_ros.nodes.extractor_node import ExtractorNode
from aliked_ros.odometry.result import Motion, OdometryResult, State, TrackedPairs
from aliked_ros.structs import Camera, Features

WIDTH, HEIGHT, RATE_HZ, NUM_KEYPOINTS, DIM = 640, 480, 30.0, 1000, 128
WARM_UP = 30  # images at most whose latency does not count; whether they arrive does
TARGET_MS = 6.0
TIMEOUT_S = 60.0
ROLES = ("camera", "extractor", "composed", "network")


class StoredFeatures:
    """Stands in for the extractor: returns the same features at once."""

    device, backend = torch.device("cpu"), "a stand-in"
    model, weights_id, descriptor_dim = "aliked-n16", "stored", DIM

    def __init__(self, config: ExtractorConfig) -> None:
        self.config = config
        generator = torch.Generator().manual_seed(0)
        descriptors = torch.randn(NUM_KEYPOINTS, DIM, generator=generator)
        self._features = Features(
            torch.rand(NUM_KEYPOINTS, 2, generator=generator) * torch.tensor([WIDTH, HEIGHT]),
            torch.rand(NUM_KEYPOINTS, generator=generator).sort(descending=True)[0],
            torch.rand(NUM_KEYPOINTS, generator=generator),
            torch.nn.functional.normalize(descriptors),
            (HEIGHT, WIDTH),
        )

    def __call__(self, image: np.ndarray) -> Features:
        """Return the features, whatever the image."""
        return self._features

    def reconfigure(self, config: ExtractorConfig) -> None:
        """Keep the configuration."""
        self.config = config


class StandingStill:
    """Stands in for the odometry: returns the same pose at once."""

    def __init__(self, *_: object) -> None:
        empty = np.zeros((0, 2), np.float32)
        self._tracks = TrackedPairs(
            0,
            empty.astype(np.int64),
            empty,
            empty,
            empty[:, 0],
            empty[:, 0],
            empty[:, 0],
            empty[:, 0],
        )

    def reset(self) -> None:
        """Forget nothing: there is nothing."""

    def match(self, features: Features) -> None:
        """Match nothing."""

    def estimate(self, stamp_ns: int, features: Features, *_: object) -> OdometryResult:
        """Return the pose of the origin."""
        return OdometryResult(
            stamp_ns, State.TRACKING, Motion.NONE, np.eye(4), np.eye(6), len(features), 0, 0, 0.0,
            False, "", self._tracks,
        )  # fmt: skip


def camera(num_images: int) -> int:
    """Publish images and calibration at a steady rate; print how many were sent."""
    node = rclpy.create_node("camera")
    images = node.create_publisher(Image, "image_raw", RESULT_QOS)
    infos = node.create_publisher(CameraInfo, "camera_info", RESULT_QOS)
    message = make_image()
    K = np.array([[500.0, 0.0, WIDTH / 2], [0.0, 500.0, HEIGHT / 2], [0.0, 0.0, 1.0]])
    info = camera_to_message(Camera(WIDTH, HEIGHT, K), message.header)
    wait_until(images.get_subscription_count, "a subscriber of image_raw")
    time.sleep(4)  # discovery of everything else
    infos.publish(info)
    due = time.perf_counter() + 0.5
    for _ in range(num_images):
        time.sleep(max(0.0, due - time.perf_counter()))
        due += 1 / RATE_HZ
        message.header.stamp = ns_to_stamp(time.time_ns())
        images.publish(message)
    print(num_images)
    return 0


def make_image(width: int = WIDTH, height: int = HEIGHT) -> Image:
    """Return a colour image message of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image(
        header=Header(frame_id="camera"), height=height, width=width, encoding="bgr8",
        step=3 * width, data=flat("B", pixels),
    )  # fmt: skip


def start(role: str, *arguments: str) -> subprocess.Popen[str]:
    """Start this file as another process."""
    return subprocess.Popen(
        [sys.executable, __file__, "--role", role, *arguments], text=True, stdout=subprocess.PIPE
    )


def measure_latency(role: str, message_type: type, topic: str, num_images: int) -> None:
    """Print the latency from publishing an image to receiving a topic from the nodes of a role."""
    node = rclpy.create_node("listener")
    latencies_ms: list[float] = []

    def receive(message: FeaturesMessage | Odometry) -> None:
        latencies_ms.append((time.time_ns() - stamp_to_ns(message.header.stamp)) * 1e-6)

    node.create_subscription(message_type, topic, receive, RESULT_QOS)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    nodes = start(role, "--ros-args", "-p", "camera_transform:=optical")
    sender = start("camera", "--images", str(num_images))
    try:
        while sender.poll() is None:
            executor.spin_once(timeout_sec=0.1)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)
    finally:
        nodes.terminate()
        nodes.wait()
    sent = int(sender.communicate()[0] or 0)
    node.destroy_node()
    if not latencies_ms:
        raise RuntimeError(f"{sent} images sent, no result received")
    steady = np.array(latencies_ms[min(WARM_UP, len(latencies_ms) // 2) :])
    p50, p95 = np.percentile(steady, [50, 95])
    print(
        f"image published -> {topic} received ({role}): p50 {p50:.2f} ms (target < {TARGET_MS:g}), "
        f"p95 {p95:.2f}, best {steady.min():.2f}, max {steady.max():.2f}; "
        f"{sent} images sent, {len(latencies_ms)} results received"
    )


def measure_memory(role: str, message: Image, num_frames: int, *arguments: str) -> None:
    """Print the memory of an extractor's process over many frames, one after another."""
    node = rclpy.create_node("listener")
    publisher = node.create_publisher(Image, "image_raw", RESULT_QOS)
    num_received = 0

    def receive(_: FeaturesMessage) -> None:
        nonlocal num_received
        num_received += 1

    node.create_subscription(FeaturesMessage, "features", receive, RESULT_QOS)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    nodes = start(role, *arguments)
    try:
        wait_until(publisher.get_subscription_count, "the extractor")
        time.sleep(2)
        step = max(num_frames // 10, 1)
        sizes_mb = []
        for index in range(num_frames):
            message.header.stamp = ns_to_stamp(time.time_ns())
            publisher.publish(message)
            deadline = time.monotonic() + 1
            while num_received <= index and time.monotonic() < deadline:
                executor.spin_once(timeout_sec=0.1)
            if (index + 1) % step == 0:
                sizes_mb.append(resident_mb(nodes.pid))
    finally:
        nodes.terminate()
        nodes.wait()
    node.destroy_node()
    growth = sizes_mb[-1] - sizes_mb[0]
    shown = " ".join(f"{size:.1f}" for size in sizes_mb)
    print(
        f"memory of the process ({role}, {message.width}x{message.height}): {shown} MB, one figure "
        f"per {step} frames; "
        f"{growth:+.2f} MB after the first; {num_received} of {num_frames} answered"
    )


def resident_mb(pid: int) -> float:
    """Return the memory of a process that is not shared with others, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {TIMEOUT_S:.0f} s in vain for {what}")
        time.sleep(0.01)


def main() -> int:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=600, help="for the latencies; 0: skip")
    parser.add_argument("--memory-images", type=int, default=10_000, help="for the memory; 0: skip")
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args()  # the rest is ROS's
    if options.role == "extractor":
        return run(lambda: ExtractorNode(StoredFeatures))
    if options.role == "network":
        return run(ExtractorNode)
    if options.role == "composed":
        return run(lambda: make_nodes(StoredFeatures, StandingStill))
    load_transport_profile()
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    rclpy.init()
    if options.role == "camera":
        return camera(options.images)
    print(f"{WIDTH}x{HEIGHT} bgr8 at {RATE_HZ:g} Hz, {NUM_KEYPOINTS} stored keypoints x {DIM}")
    if options.images:
        measure_latency("extractor", FeaturesMessage, "features", options.images)
        measure_latency("composed", Odometry, "odometry", options.images)
    if options.memory_images:
        measure_memory("extractor", make_image(), options.memory_images)
        parameters = ("-p", "extractor.model:=aliked-t16", "-p", "extractor.weights:=seed:0")
        measure_memory(
            "network", make_image(160, 128), options.memory_images, "--ros-args", *parameters
        )
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
