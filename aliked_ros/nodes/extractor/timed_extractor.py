"""An image message -> its features, and how long each stage took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rclpy.node import Node

from aliked_ros.config import ExtractorConfig
from aliked_ros.network.weights import PACKAGED
from aliked_ros.nodes.base.conversions.cameras import image_from_message
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.extractor.arrival import Arrival

if TYPE_CHECKING:
    from aliked_ros.extractor import Extractor


class TimedExtractor:
    """Runs an extractor on messages, with the configuration of the moment.

    Args:
        node: says once which network runs where.
        diagnostics: shows the network.
        extractor: finds the features.
    """

    def __init__(self, node: Node, diagnostics: Diagnostics, extractor: Extractor) -> None:
        self._extractor = extractor
        diagnostics.show("network", lambda: extractor.model)
        diagnostics.show("weights", lambda: extractor.weights_id)
        node.get_logger().info(
            f"{extractor.model} on {extractor.device} by {extractor.backend}, weights "
            f"{extractor.weights_id}"
        )
        asked_for = extractor.config
        if not asked_for.weights and extractor.weights_id.startswith(PACKAGED):
            node.get_logger().warning(
                f"the released weights of {asked_for.model} are not on this machine and cannot be "
                f"downloaded: {extractor.model} with the packaged weights takes their place"
            )

    def extract(
        self, arrival: Arrival, start_s: float, config: ExtractorConfig, num_skipped: int
    ) -> Extraction:
        """Return the features of an image.

        Args:
            arrival: the image.
            start_s: when it was begun with, `time.perf_counter`.
            config: from this image on.
            num_skipped: images that were received and could not be used so far.

        Raises:
            ImageError: if the message cannot be decoded.
        """
        image = image_from_message(arrival.message)
        decoded_s = time.perf_counter()
        if config != self._extractor.config:
            self._extractor.reconfigure(config)
        features = self._extractor(image)
        return Extraction(
            arrival.message.header,
            features,
            self._extractor.model,
            image=image,
            max_keypoints=config.max_keypoints,
            num_skipped=num_skipped,
            transport_ms=arrival.transport_ms,
            wait_ms=(start_s - arrival.received_s) * 1e3,
            decode_ms=(decoded_s - start_s) * 1e3,
            extract_ms=(time.perf_counter() - decoded_s) * 1e3,
        )
