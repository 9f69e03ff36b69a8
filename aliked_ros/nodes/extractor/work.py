"""What the extractor works with: images as they come -> features for whoever wants them."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rclpy.node import Node

from aliked_ros.config import ExtractorConfig
from aliked_ros.config.nodes import ImageConfig, StreamConfig
from aliked_ros.images import ImageError
from aliked_ros.inference.device_loss import EXIT_DEVICE_LOST, DeviceLostError
from aliked_ros.msg import Features
from aliked_ros.nodes.base.conversions.cameras import AnyImage
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.base.qos import IMAGE_QOS, RESULT_QOS
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.base.worker import NewestWorker
from aliked_ros.nodes.extractor.arrival import Arrival
from aliked_ros.nodes.extractor.local_tracker import LocalTracker
from aliked_ros.nodes.extractor.pace import Pace
from aliked_ros.nodes.extractor.timed_extractor import TimedExtractor
from aliked_ros.nodes.extractor.view import ImageView

if TYPE_CHECKING:
    from aliked_ros.extractor import Extractor


class ExtractorWork:
    """Finds the features of the newest image, and hands them on.

    Args:
        node: publishes.
        topics: subscribes.
        images: how images arrive.
        stream: how many of them are worked on.
        view: where in them it looks.
        extractor: finds the features.
        tracker: a tracker in the same process, which is handed everything that is found.
        diagnostics: counts what becomes of images.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        images: ImageConfig,
        stream: StreamConfig,
        view: ImageView,
        extractor: Extractor,
        tracker: LocalTracker | None,
        diagnostics: Diagnostics,
    ) -> None:
        self._context = node.context
        self._logger = node.get_logger()
        self._config, self._stream = extractor.config, stream
        self._tracker = tracker
        self._diagnostics = diagnostics
        self._extractor = TimedExtractor(node, diagnostics, extractor, images, view)
        self._pace = Pace(node, diagnostics, stream, self._config.max_keypoints)
        self._publisher = node.create_publisher(Features, "features", RESULT_QOS)
        worker = self._worker = NewestWorker(self._process, self._failed)
        skipped = diagnostics.counts.skipped_elsewhere
        skipped("newer image came", lambda: worker.num_replaced)
        skipped("the node was stopped", lambda: worker.num_dropped)
        topics.subscribe_image(
            "image_raw", images.image_transport, IMAGE_QOS, self._store, images.stamps
        )

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()

    def stop(self) -> None:
        """Let the image in work end."""
        self._worker.stop()

    def reconfigure(self, config: ExtractorConfig, stream: StreamConfig) -> None:
        """Take other parameters from the next image on."""
        self._config, self._stream = config, stream
        self._pace.restart(stream, config.max_keypoints)
        # One line a second at most, however many parameters somebody sets.
        self._logger.info(f"changed: {config}, {stream}", throttle_duration_sec=1.0)

    def _store(self, message: AnyImage, sent_ns: int) -> None:
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
        config = replace(self._config, max_keypoints=self._pace.num_keypoints)
        num_skipped = self._diagnostics.counts.num_skipped
        return self._extractor.extract(arrival, start_s, config, num_skipped)

    def _hand_over(self, extraction: Extraction) -> None:
        """Give the features to the tracker of this process, and to whoever subscribes."""
        if self._tracker is not None:
            self._tracker.receive(Handover(extraction.header, time.time_ns(), lambda: extraction))
        if self._publisher.get_subscription_count():
            self._publisher.publish(extraction.to_message(self._stream.descriptor_type))

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
        if not self._context.ok():  # Ctrl-C came in the middle of the image
            return
        if isinstance(error, DeviceLostError):
            self._logger.fatal(str(error))
            os._exit(EXIT_DEVICE_LOST)  # only a new process can use the GPU: launch starts one
        self._diagnostics.count_skipped("failed", explain(error))
