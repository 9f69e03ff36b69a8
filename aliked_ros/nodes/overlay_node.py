"""Camera image + matches -> image with keypoints and track tails, while somebody looks."""

from __future__ import annotations

import time

import numpy as np
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.drawing import MAX_TAIL, TrackTails, draw_tracks
from aliked_ros.images import ImageError
from aliked_ros.msg import Matches
from aliked_ros.nodes.conversions import image_from_message, image_to_message
from aliked_ros.nodes.health import STEADY, Health
from aliked_ros.nodes.parameters import declare
from aliked_ros.nodes.run import run
from aliked_ros.nodes.topics import (
    PAIRED_QOS,
    RESULT_QOS,
    Callback,
    declare_transport,
    subscribe,
    subscribe_image,
)
from aliked_ros.nodes.worker import NewestWorker
from aliked_ros.nodes.world import ApproximateTimeSynchronizer, SimpleFilter

SAME_S = 1e-3  # stamps are equal, but message_filters compares with <
LOOK_PERIOD_S = 0.2  # how often it looks whether somebody listens


class OverlayNode(Node):
    """Subscribes to `image_raw` and `matches` only as long as `overlay` has a subscriber."""

    def __init__(self) -> None:
        super().__init__("aliked_overlay")
        self._transport = declare_transport(self)
        length = declare(self, "tail_length", MAX_TAIL, "frames that a track's tail is long")
        self._queue_size = declare(
            self, "sync_queue_size", 60, "images that wait for their matches at the most"
        )
        if length < 1 or self._queue_size < 1:
            raise ValueError(
                f"tail_length is {length}, sync_queue_size is {self._queue_size}: give 1 or more"
            )
        self._tail_length = length
        self._tails = TrackTails(length)
        self._health = Health(self, hardware_id="cpu")
        self._output = self.create_publisher(Image, "overlay", RESULT_QOS)
        self._worker = NewestWorker(self._draw, self._failed)
        self._health.show("skipped, newer image came", lambda: self._worker.num_replaced)
        self._inputs: list[Subscription] = []
        self.create_timer(LOOK_PERIOD_S, self._look, clock=STEADY)

    def _look(self) -> None:
        """Subscribe when the first listener comes, unsubscribe when the last has gone."""
        has_listener = self._output.get_subscription_count() > 0
        if has_listener and not self._inputs:
            self._tails = TrackTails(self._tail_length)
            images, matches = SimpleFilter(), SimpleFilter()
            synchronizer = ApproximateTimeSynchronizer([images, matches], self._queue_size, SAME_S)
            synchronizer.registerCallback(self._store)
            health, transport = self._health, self._transport
            self._inputs = [
                subscribe_image(self, "image_raw", transport, PAIRED_QOS, _signal(images), health),
                subscribe(self, Matches, "matches", RESULT_QOS, _signal(matches), health),
            ]
        elif not has_listener and self._inputs:
            for subscription in self._inputs:
                self.destroy_subscription(subscription)
            self._inputs = []
            self._health.watch_nothing()

    def _store(self, image: Image | CompressedImage, matches: Matches) -> None:
        self._health.received()
        keypoints = np.frombuffer(matches.keypoints_current, np.float32).reshape(-1, 2)
        self._tails.update(np.array(matches.track_ids, np.int64), keypoints)
        self._worker.put((image, matches, self._tails.paths()))

    def _draw(self, item: tuple[Image | CompressedImage, Matches, tuple]) -> None:
        start = time.perf_counter()
        message, matches, (_, paths, ages) = item
        try:
            image = image_from_message(message)
        except ImageError as error:
            self._health.skipped("undecodable", str(error))
            return
        by_id = np.argsort(matches.track_ids)
        is_inlier = np.array(matches.inliers, bool)[by_id]
        picture = draw_tracks(image, paths, ages, is_inlier)
        self._output.publish(image_to_message(picture, message.header))
        self._health.processed((time.perf_counter() - start) * 1e3)

    def _failed(self, _: object, error: Exception) -> None:
        self._health.skipped("failed", f"{type(error).__name__}: {error}")

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
