"""Camera images -> features."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from aliked_ros.config import ExtractorConfig, StreamConfig
from aliked_ros.extractor import Extractor
from aliked_ros.images import ImageError
from aliked_ros.inference.device_loss import EXIT_DEVICE_LOST, DeviceLostError
from aliked_ros.msg import Features
from aliked_ros.network.packaged import PACKAGED
from aliked_ros.nodes.conversions import image_from_message
from aliked_ros.nodes.extraction import Delivery, Extraction
from aliked_ros.nodes.health import Health
from aliked_ros.nodes.parameters import ConfigParameters
from aliked_ros.nodes.run import run
from aliked_ros.nodes.topics import IMAGE_QOS, RESULT_QOS, declare_transport, subscribe_image
from aliked_ros.nodes.worker import NewestWorker
from aliked_ros.pacing import KeypointBudget, RateLimit

_BUDGET_LOG_PERIOD_S = 10.0


class LocalTracker(Protocol):
    """A tracker in the same process."""

    frame_s: float  # time that its last frame took
    is_paused: bool  # it has no use for features

    def receive(self, delivery: Delivery) -> None:
        """Take the features of an image; called in the extractor's thread."""

    def pass_over(self, header: Header) -> None:
        """Answer an image without features, while it is paused; in the extractor's thread."""


@dataclass(frozen=True)
class Arrival:
    """An image as it came."""

    message: Image | CompressedImage
    transport_ms: float
    received_s: float


class ExtractorNode(Node):
    """Subscribes to `image_raw`, publishes `features` for the newest image.

    Args:
        make_extractor: config -> extractor.
        tracker: a tracker in the same process, which is handed everything that is found.
    """

    def __init__(
        self,
        make_extractor: Callable[[ExtractorConfig], Extractor] = Extractor,
        tracker: LocalTracker | None = None,
    ) -> None:
        super().__init__("aliked_extractor")
        transport = declare_transport(self)
        self._settings = ConfigParameters(
            self,
            ExtractorConfig,
            "extractor",
            live=("max_keypoints", "detection_threshold"),
            on_change=self._restart,
        )
        self._stream = ConfigParameters(
            self,
            StreamConfig,
            "",
            live=("max_rate", "target_rate", "min_keypoints", "descriptor_type"),
            on_change=self._restart,
        )
        self._set_pace()
        self._extractor = make_extractor(self._settings.value)
        self.get_logger().info(
            f"{self._extractor.model} on {self._extractor.device} by "
            f"{self._extractor.backend}, weights {self._extractor.weights_id}"
        )
        asked_for = self._settings.value
        if not asked_for.weights and self._extractor.weights_id.startswith(PACKAGED):
            self.get_logger().warning(
                f"the released weights of {asked_for.model} are not on this machine and cannot be "
                f"downloaded: {self._extractor.model} with the packaged weights takes their place"
            )

        self._tracker = tracker
        self._health = Health(self, hardware_id=str(self._extractor.device))
        self._health.show("network", lambda: self._extractor.model)
        self._health.show("weights", lambda: self._extractor.weights_id)
        self._health.show("keypoints allowed", lambda: self._budget.num_keypoints)
        self._publisher = self.create_publisher(Features, "features", RESULT_QOS)
        self._worker = NewestWorker(self._process, self._failed)
        self._health.show("skipped, newer image came", lambda: self._worker.num_replaced)
        subscribe_image(self, "image_raw", transport, IMAGE_QOS, self._store, self._health)

    def _store(self, message: Image | CompressedImage, sent_ns: int) -> None:
        self._health.received()
        now_s = time.perf_counter()
        if not self._limit.takes(now_s):
            self._health.skipped("above max_rate")
            return
        self._worker.put(Arrival(message, (time.time_ns() - sent_ns) * 1e-6, now_s))

    def _process(self, arrival: Arrival) -> None:
        if self._has_no_use():
            assert self._tracker is not None
            self._tracker.pass_over(arrival.message.header)
            self._health.skipped("tracker is paused")
            return
        start = time.perf_counter()
        try:
            image = image_from_message(arrival.message)
        except ImageError as error:
            self._health.skipped("undecodable", str(error))
            return
        decoded = time.perf_counter()
        config = self._reconfigure()
        features = self._extractor(image)
        extraction = Extraction(
            arrival.message.header,
            features,
            self._extractor.model,
            image=image,
            max_keypoints=config.max_keypoints,
            num_skipped=self._health.num_skipped + self._worker.num_replaced,
            transport_ms=arrival.transport_ms,
            wait_ms=(start - arrival.received_s) * 1e3,
            decode_ms=(decoded - start) * 1e3,
            extract_ms=(time.perf_counter() - decoded) * 1e3,
        )
        self._hand_over(extraction)
        self._count(extraction, time.perf_counter() - start)

    def _has_no_use(self) -> bool:
        """Return whether nobody waits for features: the tracker rests and nobody subscribes."""
        if self._tracker is None or not self._tracker.is_paused:
            return False
        return self._publisher.get_subscription_count() == 0

    def _hand_over(self, extraction: Extraction) -> None:
        """Give the features to the tracker of this process, and to whoever subscribes."""
        if self._tracker is not None:
            delivery = Delivery(extraction.header, time.time_ns(), lambda: extraction)
            self._tracker.receive(delivery)
        if self._publisher.get_subscription_count():
            self._publisher.publish(extraction.to_message(self._stream.value.descriptor_type))

    def _count(self, extraction: Extraction, spent_s: float) -> None:
        """Count a frame, and let its time decide how many keypoints the next ones may have."""
        self._health.processed(
            spent_s * 1e3,
            transport=extraction.transport_ms,
            wait=extraction.wait_ms,
            decode=extraction.decode_ms,
            extract=extraction.extract_ms,
        )
        # Extractor and tracker work at the same time: the slower of the two makes the rate.
        tracker_s = 0.0 if self._tracker is None else self._tracker.frame_s
        self._say(self._budget.update(max(spent_s, tracker_s)), self._budget)

    def _say(self, change: int, budget: KeypointBudget) -> None:
        """Tell when the number of keypoints changes, and when that does not suffice."""
        if change == 0 and not budget.is_exhausted:
            return
        logger = self.get_logger()
        text = (
            f"{budget.num_keypoints} keypoints are allowed: a frame took "
            f"{budget.frame_s * 1e3:.1f} ms, target_rate is {budget.target_rate_hz:g} Hz"
        )
        if change < 0:
            logger.warning(f"only {text}", throttle_duration_sec=_BUDGET_LOG_PERIOD_S)
        elif change > 0:
            logger.info(f"again {text}", throttle_duration_sec=_BUDGET_LOG_PERIOD_S)
        else:
            self._health.problem(f"target_rate cannot be held: {text}")

    def _failed(self, _: object, error: Exception) -> None:
        if not self.context.ok():  # Ctrl-C came in the middle of the image
            return
        if isinstance(error, DeviceLostError):
            self.get_logger().fatal(str(error))
            os._exit(EXIT_DEVICE_LOST)  # only a new process can use the GPU: launch starts one
        self._health.skipped("failed", f"{type(error).__name__}: {error}")

    def _reconfigure(self) -> ExtractorConfig:
        """Bring parameters and budget into force; return the configuration of the next frame."""
        config = self._settings.value
        if self._budget.num_keypoints != config.max_keypoints:
            config = replace(config, max_keypoints=self._budget.num_keypoints)
        if config != self._extractor.config:
            self._extractor.reconfigure(config)
        return config

    def _restart(self, config: ExtractorConfig | StreamConfig) -> None:
        self._set_pace()
        self.get_logger().info(f"changed: {config}")

    def _set_pace(self) -> None:
        """Begin to count rate and time anew."""
        stream = self._stream.value
        self._limit = RateLimit(stream.max_rate)
        self._budget = KeypointBudget(
            self._settings.value.max_keypoints, stream.min_keypoints, stream.target_rate
        )

    def destroy_node(self) -> None:
        """Let the frame in work end, then release everything."""
        self._worker.stop()
        super().destroy_node()


def main() -> int:
    """Run the node."""
    return run(ExtractorNode)
