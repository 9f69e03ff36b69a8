"""What the tracker takes in: features, and what gives them depth, paired by stamp."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.msg import Features
from aliked_ros.nodes.base.conversions.cameras import depth_from_message, image_from_message
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.distribution import ApproximateTimeSynchronizer, SimpleFilter
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.base.qos import PAIRED_QOS, RESULT_QOS
from aliked_ros.nodes.base.topics import subscribe, subscribe_image
from aliked_ros.nodes.tracker.settings import TrackerSettings
from aliked_ros.structs import Floats, Pixels


class FrameImages(NamedTuple):
    """What gives the features of one instant their depth; what the sensor does not have is None.

    Attributes:
        image: the (left) image of a stereo pair, (H, W) grey or (H, W, 3) RGB, uint8.
        right_image: the right one in the same form.
        depth_m: (H, W) float32 depth image, metres.
    """

    image: Pixels | None = None
    right_image: Pixels | None = None
    depth_m: Floats | None = None


@dataclass(frozen=True)
class FrameInputs:
    """The messages of one instant; what the sensor does not have is None."""

    handover: Handover
    depth: Image | None = None
    left: Image | CompressedImage | None = None
    right: Image | CompressedImage | None = None

    def decode(self, extraction: Extraction) -> FrameImages:
        """Return the images; the left one is that of the extractor if it was handed over.

        Raises:
            ImageError: if one cannot be decoded.
        """
        if self.depth is not None:
            return FrameImages(depth_m=depth_from_message(self.depth))
        if self.right is None:
            return FrameImages()
        left = extraction.image if self.left is None else image_from_message(self.left)
        return FrameImages(left, image_from_message(self.right))


class TrackerInputs:
    """Takes what a sensor needs and calls back with complete sets, in order of time.

    Stereo needs both images beside the features of the left one: disparity is measured in them.
    An extractor in the same process hands over the left image with its features, and calls
    `receive` itself; else features and left image come from their topics.
    """

    def __init__(
        self,
        node: Node,
        settings: TrackerSettings,
        has_local_extractor: bool,
        callback: Callable[[FrameInputs], None],
        diagnostics: Diagnostics,
    ) -> None:
        self._diagnostics = diagnostics
        self._callback = callback
        self._num_features = self._num_sets = 0
        # The extractor's thread and the executor's both bring what is to be paired.
        self._lock = threading.RLock()
        diagnostics.show("features without a partner so far", lambda: self.num_unpaired)
        self._features = SimpleFilter()
        sources = [self._features]
        if not has_local_extractor:
            subscribe(node, Features, "features", RESULT_QOS, self._receive_message, diagnostics)
        sensor, transport = settings.odometry.sensor, settings.images.image_transport
        for topic, image_transport in _partners(sensor, transport, has_local_extractor):
            source = SimpleFilter()
            signal = partial(self._signal, source)
            subscribe_image(node, topic, image_transport, PAIRED_QOS, signal, diagnostics)
            sources.append(source)
        if len(sources) == 1:
            self._features.registerCallback(self._complete)
            return
        synchronizer = ApproximateTimeSynchronizer(
            sources, settings.inputs.sync_queue_size, settings.inputs.sync_slop_s
        )
        paired = self._complete_rgbd if sensor == "rgbd" else self._complete_stereo
        synchronizer.registerCallback(paired)

    def receive(self, handover: Handover) -> None:
        """Take the features of an image, in any thread."""
        with self._lock:
            self._num_features += 1
            self._features.signalMessage(handover)

    def _receive_message(self, message: Features, sent_ns: int) -> None:
        self.receive(Handover(message.header, sent_ns, partial(Extraction.from_message, message)))

    def _signal(self, source: SimpleFilter, message: Any, _: int) -> None:
        with self._lock:
            source.signalMessage(message)

    def _complete(self, handover: Handover) -> None:
        self._hand_over(FrameInputs(handover))

    def _complete_rgbd(self, handover: Handover, depth: Image) -> None:
        self._hand_over(FrameInputs(handover, depth=depth))

    def _complete_stereo(self, handover: Handover, *images: Image) -> None:
        *lefts, right = images
        # Depth is measured at the keypoints of this very image; its neighbour would mislead.
        if all(left.header.stamp == handover.header.stamp for left in lefts):
            self._hand_over(FrameInputs(handover, left=next(iter(lefts), None), right=right))

    def _hand_over(self, inputs: FrameInputs) -> None:
        self._num_sets += 1
        self._diagnostics.count_received()
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
