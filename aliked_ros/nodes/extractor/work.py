"""What the extractor works with: images as they come -> features for whoever wants them."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rclpy.node import Node

from aliked_ros.config import ExtractorConfig
from aliked_ros.config.nodes import ImageConfig, StreamConfig
from aliked_ros.images import ImageError
from aliked_ros.inference.device_loss import EXIT_DEVICE_LOST, DeviceLostError
from aliked_ros.nodes.base.conversions.cameras import AnyImage
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.base.qos import IMAGE_QOS
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.base.worker import BatchWorker
from aliked_ros.nodes.extractor.arrival import Arrival
from aliked_ros.nodes.extractor.local_tracker import LocalTracker
from aliked_ros.nodes.extractor.pace import Pace
from aliked_ros.nodes.extractor.streams import Stream, Taken, make_streams
from aliked_ros.nodes.extractor.timed_extractor import Opened, TimedExtractor
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
        cameras: their names; none: one camera without a name.
        extractor: finds the features.
        tracker: a tracker in the same process, which is handed everything that is found; it has
            one camera.
        diagnostics: counts what becomes of images.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        images: ImageConfig,
        stream: StreamConfig,
        view: ImageView,
        cameras: tuple[str, ...],
        extractor: Extractor,
        tracker: LocalTracker | None,
        diagnostics: Diagnostics,
    ) -> None:
        self._context = node.context
        self._logger = node.get_logger()
        self._config, self._stream = extractor.config, stream
        self._tracker = tracker
        self._diagnostics = diagnostics
        self._extractor = TimedExtractor(node, diagnostics, extractor, view)
        self._pace = Pace(node, diagnostics, stream, self._config.max_keypoints)
        self._streams = make_streams(node, topics, images, cameras, view.has_mask_topic)
        worker = self._worker = BatchWorker(self._process, self._failed)
        skipped = diagnostics.counts.skipped_elsewhere
        skipped("newer image came", lambda: worker.num_replaced)
        skipped("the node was stopped", lambda: worker.num_dropped)
        for one in self._streams:
            topics.subscribe_image(
                f"{one.prefix}image_raw",
                images.image_transport,
                IMAGE_QOS,
                partial(self._store, one),
                images.stamps,
            )

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()

    def stop(self) -> None:
        """Let the image in work end."""
        self._worker.stop()
        for one in self._streams:
            if one.masks is not None:
                one.masks.forget()

    def reconfigure(self, config: ExtractorConfig, stream: StreamConfig) -> None:
        """Take other parameters from the next image on."""
        self._config, self._stream = config, stream
        self._pace.restart(stream, config.max_keypoints)
        # One line a second at most, however many parameters somebody sets.
        self._logger.info(f"changed: {config}, {stream}", throttle_duration_sec=1.0)

    def _store(self, stream: Stream, message: AnyImage, sent_ns: int) -> None:
        self._diagnostics.count_received()
        arrival = Arrival.now(message, sent_ns)
        if self._pace.takes(arrival.received_s, stream):
            self._worker.put(Taken(stream, arrival), stream)
        else:
            self._diagnostics.count_skipped("above max_rate_hz")

    def _process(self, batch: list[Taken]) -> None:
        """Work on the newest images of all cameras that have one."""
        start_s = time.perf_counter()
        streams, opened = [], []
        for taken in batch:
            image = self._open(taken)
            if image is not None:
                streams.append(taken.stream)
                opened.append(image)
        if not opened:
            return
        config = replace(self._config, max_keypoints=self._pace.num_keypoints)
        num_skipped = self._diagnostics.counts.num_skipped
        extractions = self._extractor.extract(opened, config, num_skipped)
        for stream, extraction in zip(streams, extractions, strict=True):
            self._hand_over(stream, extraction)
            self._count(extraction, time.perf_counter() - start_s)

    def _open(self, taken: Taken) -> Opened | None:
        """Return the pixels of an image, or None if it is not needed or cannot be read."""
        if self._tracker is not None and self._has_no_use(taken.stream):
            self._tracker.pass_over(taken.arrival.message.header)
            self._diagnostics.count_skipped("tracker is paused")
            return None
        try:
            return self._extractor.open(taken.stream.decode, taken.arrival, taken.stream.masks)
        except ImageError as error:
            prefix = f"{taken.stream.prefix}image_raw: " if taken.stream.prefix else ""
            self._diagnostics.count_skipped("undecodable", f"{prefix}{error}")
            return None

    def _has_no_use(self, stream: Stream) -> bool:
        """Return whether nobody waits for features: the tracker is paused and nobody subscribes."""
        if self._tracker is None or not self._tracker.is_paused:
            return False
        return stream.publisher.get_subscription_count() == 0

    def _hand_over(self, stream: Stream, extraction: Extraction) -> None:
        """Give the features to the tracker of this process, and to whoever subscribes."""
        if self._tracker is not None:
            self._tracker.receive(Handover(extraction.header, time.time_ns(), lambda: extraction))
        if stream.publisher.get_subscription_count():
            stream.publisher.publish(extraction.to_message(self._stream.descriptor_type))

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

    def _failed(self, _: Taken, error: Exception) -> None:
        if not self._context.ok():  # Ctrl-C came in the middle of the image
            return
        if isinstance(error, DeviceLostError):
            self._logger.fatal(str(error))
            os._exit(EXIT_DEVICE_LOST)  # only a new process can use the GPU: launch starts one
        self._diagnostics.count_skipped("failed", explain(error))
