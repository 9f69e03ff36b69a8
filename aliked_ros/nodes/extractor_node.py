"""Camera images -> features."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.config import ExtractorConfig
from aliked_ros.config.nodes import ImageConfig, StreamConfig
from aliked_ros.extractor import Extractor
from aliked_ros.images import ImageError
from aliked_ros.msg import Features
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.base.parameters import LiveConfig, read_config
from aliked_ros.nodes.base.qos import IMAGE_QOS, RESULT_QOS
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.base.topics import subscribe_image
from aliked_ros.nodes.base.worker import NewestWorker
from aliked_ros.nodes.extractor.arrival import Arrival
from aliked_ros.nodes.extractor.local_tracker import LocalTracker
from aliked_ros.nodes.extractor.pace import Pace
from aliked_ros.nodes.extractor.timed_extractor import TimedExtractor

# What may be changed while the node runs.
LIVE = ("max_keypoints", "detection_threshold")
LIVE_STREAM = ("max_rate_hz", "target_rate_hz", "min_keypoints", "descriptor_type")


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
        transport = read_config(self, ImageConfig).image_transport
        self._config = LiveConfig(self, ExtractorConfig, "extractor", LIVE, self._changed)
        self._stream = LiveConfig(self, StreamConfig, "", LIVE_STREAM, self._changed)
        extractor = make_extractor(self._config.value)
        self._tracker = tracker
        diagnostics = self._diagnostics = Diagnostics(self, hardware_id=str(extractor.device))
        self._extractor = TimedExtractor(self, diagnostics, extractor)
        max_keypoints = self._config.value.max_keypoints
        self._pace = Pace(self, diagnostics, self._stream.value, max_keypoints)
        self._publisher = self.create_publisher(Features, "features", RESULT_QOS)
        self._worker = NewestWorker(self._process, self._failed)
        diagnostics.show("skipped, newer image came", lambda: self._worker.num_replaced)
        subscribe_image(self, "image_raw", transport, IMAGE_QOS, self._store, diagnostics)

    def _changed(self, config: ExtractorConfig | StreamConfig) -> None:
        self._pace.restart(self._stream.value, self._config.value.max_keypoints)
        self.get_logger().info(f"changed: {config}")

    def _store(self, message: Image | CompressedImage, sent_ns: int) -> None:
        self._diagnostics.count_received()
        arrival = Arrival.now(message, sent_ns)
        if self._pace.takes(arrival.received_s):
            self._worker.put(arrival)
        else:
            self._diagnostics.count_skipped("above max_rate_hz")

    def _process(self, arrival: Arrival) -> None:
        start_s = time.perf_counter()
        if self._tracker is not None and self._has_no_use():
            self._tracker.pass_over(arrival.message.header)
            self._diagnostics.count_skipped("tracker is paused")
            return
        try:
            extraction = self._extract(arrival, start_s)
        except ImageError as error:
            self._diagnostics.count_skipped("undecodable", str(error))
            return
        self._hand_over(extraction)
        self._count(extraction, time.perf_counter() - start_s)

    def _has_no_use(self) -> bool:
        """Return whether nobody waits for features: the tracker is paused and nobody subscribes."""
        if self._tracker is None or not self._tracker.is_paused:
            return False
        return self._publisher.get_subscription_count() == 0

    def _extract(self, arrival: Arrival, start_s: float) -> Extraction:
        config = replace(self._config.value, max_keypoints=self._pace.num_keypoints)
        num_skipped = self._diagnostics.num_skipped + self._worker.num_replaced
        return self._extractor.extract(arrival, start_s, config, num_skipped)

    def _hand_over(self, extraction: Extraction) -> None:
        """Give the features to the tracker of this process, and to whoever subscribes."""
        if self._tracker is not None:
            self._tracker.receive(Handover(extraction.header, time.time_ns(), lambda: extraction))
        if self._publisher.get_subscription_count():
            self._publisher.publish(extraction.to_message(self._stream.value.descriptor_type))

    def _count(self, extraction: Extraction, spent_s: float) -> None:
        """Count an image, and let its time decide how many keypoints the next ones may have."""
        self._diagnostics.count_processed(
            spent_s * 1e3,
            transport=extraction.transport_ms,
            wait=extraction.wait_ms,
            decode=extraction.decode_ms,
            extract=extraction.extract_ms,
        )
        # Extractor and tracker work at the same time: the slower of the two makes the rate.
        tracker_s = 0.0 if self._tracker is None else self._tracker.frame_s
        self._pace.update(max(spent_s, tracker_s))

    def _failed(self, _: Arrival, error: Exception) -> None:
        if self.context.ok():  # else Ctrl-C came in the middle of the image
            self._diagnostics.count_skipped("failed", f"{type(error).__name__}: {error}")

    def destroy_node(self) -> None:
        """Let the image in work end, then release everything."""
        self._worker.stop()
        super().destroy_node()


def main() -> int:
    """Run the node."""
    return run(ExtractorNode)
