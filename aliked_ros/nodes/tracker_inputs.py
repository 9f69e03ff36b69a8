"""What the tracker takes in: features, and what gives them depth, paired by stamp."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.msg import Features
from aliked_ros.nodes.extraction import Delivery, Extraction
from aliked_ros.nodes.health import Health
from aliked_ros.nodes.topics import PAIRED_QOS, RESULT_QOS, subscribe, subscribe_image
from aliked_ros.nodes.world import ApproximateTimeSynchronizer, SimpleFilter


@dataclass(frozen=True)
class FrameInputs:
    """What belongs to one instant; what the sensor does not have is None."""

    delivery: Delivery
    depth: Image | None = None
    left: Image | CompressedImage | None = None
    right: Image | CompressedImage | None = None


class TrackerInputs:
    """Takes what a sensor needs and calls back with complete sets, in order of time.

    Stereo needs both images beside the features of the left one: disparity is measured in them.
    An extractor in the same process hands over the left image with its features, and calls
    `receive` itself; else features and left image come from their topics.
    """

    def __init__(
        self,
        node: Node,
        sensor: str,
        transport: str,
        slop_s: float,
        queue_size: int,
        health: Health,
        callback: Callable[[FrameInputs], None],
        has_local_extractor: bool,
    ) -> None:
        if slop_s <= 0 or queue_size < 1:
            raise ValueError(
                f"sync_slop_s is {slop_s}, sync_queue_size is {queue_size}: both must be positive"
            )
        self._health = health
        self._callback = callback
        self._num_features = self._num_sets = 0
        # The extractor's thread and the executor's both bring what is to be paired.
        self._lock = threading.RLock()
        health.show("features without a partner so far", lambda: self.num_unpaired)
        self._features = SimpleFilter()
        sources = [self._features]
        if not has_local_extractor:
            subscribe(node, Features, "features", RESULT_QOS, self._receive_message, health)
        for topic, image_transport in _partners(sensor, transport, has_local_extractor):
            source = SimpleFilter()
            signal = partial(self._signal, source)
            subscribe_image(node, topic, image_transport, PAIRED_QOS, signal, health)
            sources.append(source)
        if len(sources) == 1:
            self._features.registerCallback(self._complete)
            return
        synchronizer = ApproximateTimeSynchronizer(sources, queue_size, slop_s)
        paired = self._complete_rgbd if sensor == "rgbd" else self._complete_stereo
        synchronizer.registerCallback(paired)

    def receive(self, delivery: Delivery) -> None:
        """Take the features of an image, in any thread."""
        with self._lock:
            self._num_features += 1
            self._features.signalMessage(delivery)

    def _receive_message(self, message: Features, sent_ns: int) -> None:
        self.receive(Delivery(message.header, sent_ns, partial(Extraction.from_message, message)))

    def _signal(self, source: SimpleFilter, message: Any, _: int) -> None:
        with self._lock:
            source.signalMessage(message)

    def _complete(self, delivery: Delivery) -> None:
        self._hand_over(FrameInputs(delivery))

    def _complete_rgbd(self, delivery: Delivery, depth: Image) -> None:
        self._hand_over(FrameInputs(delivery, depth=depth))

    def _complete_stereo(self, delivery: Delivery, *images: Image) -> None:
        *lefts, right = images
        # Depth is measured at the keypoints of this very image; its neighbour would mislead.
        if all(left.header.stamp == delivery.header.stamp for left in lefts):
            self._hand_over(FrameInputs(delivery, left=next(iter(lefts), None), right=right))

    def _hand_over(self, inputs: FrameInputs) -> None:
        self._num_sets += 1
        self._health.received()
        self._callback(inputs)

    @property
    def num_unpaired(self) -> int:
        """Features that have no partner yet, or never found one."""
        return self._num_features - self._num_sets


def _partners(sensor: str, transport: str, has_local_extractor: bool) -> list[tuple[str, str]]:
    """Return topic and transport of the images that are paired with the features."""
    if sensor == "rgbd":
        return [("depth/image_raw", "raw")]
    if sensor == "stereo":
        left = [] if has_local_extractor else [("image_raw", transport)]
        return [*left, ("right/image_raw", transport)]
    return []
