"""Camera image + matches -> image with keypoints and track tails, while somebody looks."""

from __future__ import annotations

import time

import numpy as np
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.config.nodes import ImageConfig, OverlayConfig
from aliked_ros.drawing import TrackTails, draw_tracks
from aliked_ros.images import ImageError
from aliked_ros.msg import Matches
from aliked_ros.nodes.base.clocks import STEADY
from aliked_ros.nodes.base.conversions.cameras import image_from_message, image_to_message
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.distribution import ApproximateTimeSynchronizer, SimpleFilter
from aliked_ros.nodes.base.parameters import read_config
from aliked_ros.nodes.base.qos import PAIRED_QOS, RESULT_QOS
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.base.topics import Callback, subscribe, subscribe_image
from aliked_ros.nodes.base.worker import NewestWorker

SAME_S = 1e-3  # stamps are equal, but message_filters compares with <
LOOK_PERIOD_S = 0.2  # how often it looks whether somebody listens


class OverlayNode(Node):
    """Subscribes to `image_raw` and `matches` only as long as `overlay` has a subscriber."""

    def __init__(self) -> None:
        super().__init__("aliked_overlay")
        self._transport = read_config(self, ImageConfig).image_transport
        self._config = read_config(self, OverlayConfig)
        self._tails = TrackTails(self._config.tail_length)
        self._diagnostics = Diagnostics(self, hardware_id="cpu")
        self._output = self.create_publisher(Image, "overlay", RESULT_QOS)
        self._worker = NewestWorker(self._draw, self._failed)
        self._diagnostics.show("skipped, newer image came", lambda: self._worker.num_replaced)
        self._inputs: list[Subscription] = []
        self.create_timer(LOOK_PERIOD_S, self._look, clock=STEADY)

    def _look(self) -> None:
        """Subscribe when the first listener comes, unsubscribe when the last has gone."""
        has_listener = self._output.get_subscription_count() > 0
        if has_listener and not self._inputs:
            self._inputs = self._subscribe()
        elif not has_listener and self._inputs:
            for subscription in self._inputs:
                self.destroy_subscription(subscription)
            self._inputs = []
            self._diagnostics.watch_nothing()

    def _subscribe(self) -> list[Subscription]:
        """Subscribe to images and matches, paired by stamp; tails start at nothing."""
        self._tails = TrackTails(self._config.tail_length)
        images, matches = SimpleFilter(), SimpleFilter()
        synchronizer = ApproximateTimeSynchronizer(
            [images, matches], self._config.sync_queue_size, SAME_S
        )
        synchronizer.registerCallback(self._store)
        transport, diagnostics = self._transport, self._diagnostics
        return [
            subscribe_image(self, "image_raw", transport, PAIRED_QOS, _signal(images), diagnostics),
            subscribe(self, Matches, "matches", RESULT_QOS, _signal(matches), diagnostics),
        ]

    def _store(self, image: Image | CompressedImage, matches: Matches) -> None:
        self._diagnostics.count_received()
        keypoints = np.frombuffer(matches.keypoints_current, np.float32).reshape(-1, 2)
        self._tails.update(np.array(matches.track_ids, np.int64), keypoints)
        self._worker.put((image, matches, self._tails.paths()))

    def _draw(self, item: tuple[Image | CompressedImage, Matches, tuple]) -> None:
        start = time.perf_counter()
        message, matches, (_, paths, ages) = item
        try:
            image = image_from_message(message)
        except ImageError as error:
            self._diagnostics.count_skipped("undecodable", str(error))
            return
        by_id = np.argsort(matches.track_ids)
        is_inlier = np.array(matches.inliers, bool)[by_id]
        picture = draw_tracks(image, paths, ages, is_inlier)
        self._output.publish(image_to_message(picture, message.header))
        self._diagnostics.count_processed((time.perf_counter() - start) * 1e3)

    def _failed(self, _: object, error: Exception) -> None:
        self._diagnostics.count_skipped("failed", f"{type(error).__name__}: {error}")

    def destroy_node(self) -> None:
        """Let the picture in work end, then release everything."""
        self._worker.stop()
        super().destroy_node()


def _signal(source: SimpleFilter) -> Callback:
    """Return the callback that hands a message on to a filter."""
    return lambda message, _: source.signalMessage(message)


def main() -> int:
    """Run the node."""
    return run(OverlayNode)
