"""The topics of the tracker: features, and what gives them depth, paired by stamp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.msg import Features
from aliked_ros.nodes.health import Health
from aliked_ros.nodes.topics import PAIRED_QOS, RESULT_QOS, subscribe, subscribe_image
from aliked_ros.nodes.world import ApproximateTimeSynchronizer, SimpleFilter


@dataclass(frozen=True)
class FrameMessages:
    """What belongs to one instant; what the sensor does not have is None."""

    features: Features
    depth: Image | None = None
    left: Image | CompressedImage | None = None
    right: Image | CompressedImage | None = None


class TrackerInputs:
    """Subscribes to what a sensor needs and calls back with complete sets, in order of time.

    Stereo needs both images beside the features of the left one: disparity is measured in them.
    """

    def __init__(
        self,
        node: Node,
        sensor: str,
        transport: str,
        slop_s: float,
        queue_size: int,
        health: Health,
        callback: Callable[[FrameMessages], None],
    ) -> None:
        if slop_s <= 0 or queue_size < 1:
            raise ValueError(
                f"sync_slop_s is {slop_s}, sync_queue_size is {queue_size}: both must be positive"
            )
        self._health = health
        self._callback = callback
        self._num_features = self._num_sets = 0
        health.show("features without a partner so far", lambda: self.num_unpaired)
        self._features = SimpleFilter()
        sources = [self._features]
        subscribe(node, Features, "features", RESULT_QOS, self._receive, health)
        for topic, image_transport in _partners(sensor, transport):
            source = SimpleFilter()
            subscribe_image(node, topic, image_transport, PAIRED_QOS, source.signalMessage, health)
            sources.append(source)
        if len(sources) == 1:
            self._features.registerCallback(self._complete)
            return
        synchronizer = ApproximateTimeSynchronizer(sources, queue_size, slop_s)
        paired = self._complete_rgbd if sensor == "rgbd" else self._complete_stereo
        synchronizer.registerCallback(paired)

    def _receive(self, message: Features) -> None:
        self._num_features += 1
        self._features.signalMessage(message)

    def _complete(self, features: Features) -> None:
        self._hand_over(FrameMessages(features))

    def _complete_rgbd(self, features: Features, depth: Image) -> None:
        self._hand_over(FrameMessages(features, depth=depth))

    def _complete_stereo(self, features: Features, left: Image, right: Image) -> None:
        # Depth is measured at the keypoints of this very image; its neighbour would mislead.
        if left.header.stamp == features.header.stamp:
            self._hand_over(FrameMessages(features, left=left, right=right))

    def _hand_over(self, messages: FrameMessages) -> None:
        self._num_sets += 1
        self._health.received()
        self._callback(messages)

    @property
    def num_unpaired(self) -> int:
        """Features that have no partner yet, or never found one."""
        return self._num_features - self._num_sets


def _partners(sensor: str, transport: str) -> list[tuple[str, str]]:
    """Return topic and transport of the images that are paired with the features."""
    if sensor == "rgbd":
        return [("depth/image_raw", "raw")]
    if sensor == "stereo":
        return [("image_raw", transport), ("right/image_raw", transport)]
    return []
