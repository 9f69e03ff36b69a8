"""Time to fill and to publish a message of 1000 keypoints: `python3 bench/bench_messages.py`."""

import argparse
import time

import numpy as np
import rclpy
import torch
from aliked_ros.msg import Features as FeaturesMessage
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.features import features_from_message, features_to_message
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.structs import Features

NUM_KEYPOINTS, DIM = 1000, 128


def main() -> None:
    """Print medians in ms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=300)
    repeats = parser.parse_args().repeats
    generator = torch.Generator().manual_seed(0)
    features = Features(
        torch.rand(NUM_KEYPOINTS, 2, generator=generator) * torch.tensor([640, 480]),
        torch.rand(NUM_KEYPOINTS, generator=generator),
        torch.rand(NUM_KEYPOINTS, generator=generator),
        torch.nn.functional.normalize(torch.randn(NUM_KEYPOINTS, DIM, generator=generator)),
        (480, 640),
    )
    rclpy.init()
    node = rclpy.create_node("bench_messages")
    publisher = node.create_publisher(FeaturesMessage, "features", RESULT_QOS)
    received: list[FeaturesMessage] = []
    node.create_subscription(FeaturesMessage, "features", received.append, RESULT_QOS)
    while publisher.get_subscription_count() == 0:
        time.sleep(0.01)
    times = np.zeros((repeats, 3))
    for row in times:
        start = time.perf_counter()
        message = features_to_message(features, Header(), "aliked-n16")
        filled = time.perf_counter()
        publisher.publish(message)
        published = time.perf_counter()
        features_from_message(message)
        row[:] = np.diff([start, filled, published, time.perf_counter()]) * 1e3
        rclpy.spin_once(node, timeout_sec=1)
    fill, publish, read = np.median(times, axis=0)
    print(f"{NUM_KEYPOINTS} keypoints x {DIM}: median of {repeats}, {len(received)} received")
    print(f"fill {fill:.3f} ms, publish {publish:.3f} ms, together {fill + publish:.3f} ms")
    print(f"read {read:.3f} ms")
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
