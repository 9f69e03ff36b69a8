"""Image messages -> their features, and how long each stage took."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rclpy.node import Node

from aliked_ros.config import ExtractorConfig
from aliked_ros.network.weights import PACKAGED
from aliked_ros.nodes.base.decoding import ImageDecoder
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.extractor.arrival import Arrival
from aliked_ros.nodes.extractor.masks import MaskTopic
from aliked_ros.nodes.extractor.view import ImageView
from aliked_ros.structs import Features, Pixels

if TYPE_CHECKING:
    from aliked_ros.extractor import Extractor


@dataclass(frozen=True, eq=False)
class Opened:
    """An image whose message was decoded.

    Attributes:
        arrival: of the message.
        image: its pixels.
        part: where the network looks.
        decode: that decoded it.
        mask: of this image alone, (H, W), 0 where no keypoint is kept; None: everywhere.
        wait_ms: receiving the message to beginning with it.
        decode_ms: message to pixels.
    """

    arrival: Arrival
    image: Pixels
    part: Pixels
    decode: ImageDecoder
    mask: Pixels | None
    wait_ms: float
    decode_ms: float


class TimedExtractor:
    """Runs an extractor on messages, with the configuration of the moment.

    Args:
        node: says once which network runs where.
        diagnostics: shows the network.
        extractor: finds the features.
        view: where in images it looks.
    """

    def __init__(
        self, node: Node, diagnostics: Diagnostics, extractor: Extractor, view: ImageView
    ) -> None:
        self._extractor, self._view = extractor, view
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

    def open(
        self, decode: ImageDecoder, arrival: Arrival, masks: MaskTopic | None = None
    ) -> Opened:
        """Return the pixels of an image that is begun with now, and its mask if there are masks.

        Raises:
            ImageError: if the message cannot be decoded, or crop or mask do not fit the image.
        """
        start_s = time.perf_counter()
        image = decode(arrival.message)
        part = self._view.cut(image)
        mask = None
        if masks is not None:
            mask = masks.of(arrival.message.header, image.shape[0], image.shape[1])
        decode_ms = (time.perf_counter() - start_s) * 1e3
        wait_ms = (start_s - arrival.received_s) * 1e3
        return Opened(arrival, image, part, decode, mask, wait_ms, decode_ms)

    def extract(
        self, opened: list[Opened], config: ExtractorConfig, num_skipped: int
    ) -> list[Extraction]:
        """Return the features of images, found together.

        Args:
            opened: at least one image.
            config: from these images on.
            num_skipped: images that were received and could not be used so far.
        """
        start_s = time.perf_counter()
        wanted, is_spread = config.max_keypoints, config.spread_from > config.max_keypoints
        # Masks come before spreading, so both are done here.
        num_found = max(wanted, config.spread_from)
        num = max(self._view.num_asked_for(one.image, num_found, one.mask) for one in opened)
        asked_for = replace(config, max_keypoints=num, spread_from=0)
        if asked_for != self._extractor.config:
            self._extractor.reconfigure(asked_for)
        found = [
            self._view.in_whole_image(features, one.image, wanted, one.mask, is_spread=is_spread)
            for one, features in zip(opened, self._run(opened), strict=True)
        ]
        extract_ms = (time.perf_counter() - start_s) * 1e3
        return [
            Extraction(
                one.arrival.message.header,
                features,
                self._extractor.model,
                image=one.image,
                decode_partner=one.decode.partner,
                max_keypoints=wanted,
                num_skipped=num_skipped,
                transport_ms=one.arrival.transport_ms,
                wait_ms=one.wait_ms,
                decode_ms=one.decode_ms,
                extract_ms=extract_ms,
            )
            for one, features in zip(opened, found, strict=True)
        ]

    def _run(self, opened: list[Opened]) -> list[Features]:
        if len(opened) == 1:
            return [self._extractor(opened[0].part)]
        return self._extractor.extract_all([one.part for one in opened])
