"""What the overlay works with: images and matches of one instant -> pictures."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image

from aliked_ros.config.companions import OverlayConfig
from aliked_ros.config.nodes import ImageConfig
from aliked_ros.drawing import TrackTails, draw_tracks
from aliked_ros.images import ImageError
from aliked_ros.msg import Matches
from aliked_ros.nodes.base.clocks import STEADY
from aliked_ros.nodes.base.conversions.cameras import AnyImage, image_to_message
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.conversions.matches import DrawnMatches, matches_from_message
from aliked_ros.nodes.base.decoding import ImageDecoder
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.pairing import Paired, Pairing, PartnerTopic
from aliked_ros.nodes.base.qos import PAIRED_QOS, RESULT_QOS
from aliked_ros.nodes.base.stamps import DISORDER_S
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.base.worker import NewestWorker

_LOOK_PERIOD_S = 0.2  # how often it looks whether somebody listens
_WAIT_S = 1.0  # that matches wait for their image
_ARRIVAL_SLOP_S = 0.02  # where stamps are times of arrival, which differ from node to node


class OverlayWork:
    """Draws tracks on the images that they were found in, while somebody looks.

    Args:
        node: publishes.
        images: how images arrive.
        config: what is drawn.
        diagnostics: counts what becomes of matches.
    """

    def __init__(
        self, node: Node, images: ImageConfig, config: OverlayConfig, diagnostics: Diagnostics
    ) -> None:
        self._images, self._config, self._diagnostics = images, config, diagnostics
        self._topics = Topics(node, diagnostics)
        self._decode = ImageDecoder(images, diagnostics, node.resolve_topic_name("image_raw"))
        self._output = node.create_publisher(Image, "overlay", RESULT_QOS)
        worker = self._worker = NewestWorker(self._draw, self._failed)
        skipped = diagnostics.counts.skipped_elsewhere
        skipped("newer image came", lambda: worker.num_replaced)
        skipped("the node was stopped", lambda: worker.num_dropped)
        self._is_working = False
        self._restart()
        node.create_timer(_LOOK_PERIOD_S, self._look, clock=STEADY)

    def start(self) -> None:
        """Begin to look whether somebody looks."""
        self._is_working = True
        self._worker.start()

    def stop(self) -> None:
        """Let the picture in work end."""
        self._is_working = False
        self._topics.forget()
        self._worker.stop()

    def _look(self) -> None:
        """Subscribe when the first listener comes, unsubscribe when the last has gone."""
        has_listener = self._is_working and self._output.get_subscription_count() > 0
        if has_listener and not self._topics.is_open:
            self._restart()
            self._subscribe()
        elif not has_listener and self._topics.is_open:
            self._pairing.clear()
            self._topics.forget()
        self._pairing.tick(time.monotonic())

    def _restart(self) -> None:
        """Let tails start at nothing."""
        self._tails = TrackTails(self._config.tail_length)
        self._newest_ns = 0
        slop_s = 0.0 if self._images.stamps == "message" else _ARRIVAL_SLOP_S
        self._pairing = Pairing(
            [PartnerTopic("image", slop_s)], _WAIT_S, self._config.sync_queue_size, self._store
        )

    def _subscribe(self) -> None:
        topics, images = self._topics, self._images
        topics.subscribe_image(
            "image_raw", images.image_transport, PAIRED_QOS, self._add_image, images.stamps
        )
        topics.subscribe(Matches, "matches", RESULT_QOS, self._add_matches)
        topics.open()

    def _add_image(self, message: AnyImage, _: int) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        self._pairing.add_partner(0, message, stamp_ns, time.monotonic())

    def _add_matches(self, message: Matches, _: int) -> None:
        self._diagnostics.count_received()
        try:
            matches = matches_from_message(message)
        except ValueError as error:
            self._diagnostics.count_skipped("unusable", str(error))
            return
        stamp_ns = stamp_to_ns(message.header.stamp)
        if stamp_ns < self._newest_ns - DISORDER_S * 1e9:  # another recording: other tracks
            self._tails = TrackTails(self._config.tail_length)
        self._newest_ns = stamp_ns
        self._pairing.add(matches, stamp_ns, time.monotonic())

    def _store(self, paired: Paired) -> None:
        matches, (image,) = paired.item, paired.partners
        if image is None:
            self._diagnostics.count_skipped("no image of that stamp", paired.missing)
            return
        self._tails.update(matches.track_ids, matches.keypoints)
        self._worker.put((image, matches, self._tails.paths()))

    def _draw(self, item: tuple[AnyImage, DrawnMatches, Any]) -> None:
        start = time.perf_counter()
        message, matches, (_, paths, ages) = item
        try:
            image = self._decode(message)
        except ImageError as error:
            self._diagnostics.count_skipped("undecodable", str(error))
            return
        by_id = np.argsort(matches.track_ids)
        picture = draw_tracks(image, paths, ages, matches.inlier_mask[by_id])
        self._output.publish(image_to_message(picture, message.header))
        self._diagnostics.count_processed((time.perf_counter() - start) * 1e3)

    def _failed(self, _: object, error: Exception) -> None:
        self._diagnostics.count_skipped("failed", explain(error))
