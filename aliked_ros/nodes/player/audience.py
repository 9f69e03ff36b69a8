"""Waits until somebody takes what a player is about to send."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rclpy.node import Node

from aliked_ros.config.companions import PlayerConfig

_POLL_S = 0.05


class Audience:
    """The nodes that a player plays for.

    Args:
        node: the player.
        config: how long to wait, and whether frames wait for answers.
        num_subscribers: how many take the images.
        stop: ends all waiting.
    """

    def __init__(
        self,
        node: Node,
        config: PlayerConfig,
        num_subscribers: Callable[[], int],
        stop: threading.Event,
    ) -> None:
        self._node = node
        self._config = config
        self._num_subscribers = num_subscribers
        self._stop = stop

    def wait(self) -> None:
        """Wait for who takes the images, though not for ever, and until all is settled."""
        deadline_s = time.monotonic() + self._config.start_timeout_s
        if not self._wait_until(self._has_subscribers, deadline_s):
            num, wanted = self._num_subscribers(), self._config.num_subscribers
            self._node.get_logger().warning(
                f"{num or 'nobody'}{f' of {wanted}' if wanted > 1 else ''} subscribed to "
                f"{self._node.resolve_topic_name('image_raw')} within "
                f"{self._config.start_timeout_s:.0f} s: playing all the same"
            )
            return
        if self._config.rate == 0:
            # Without extractor and tracker, each frame would wait in vain for its status.
            self._wait_until(self._has_tracker, deadline_s)
        self._stop.wait(self._config.settle_s)

    def _has_subscribers(self) -> bool:
        return self._num_subscribers() >= self._config.num_subscribers

    def _has_tracker(self) -> bool:
        return all(self._node.count_publishers(topic) for topic in ("features", "status"))

    def _wait_until(self, condition: Callable[[], bool], deadline_s: float) -> bool:
        """Return True when a condition holds, or all ends; False at the deadline."""
        while not condition() and not self._stop.wait(_POLL_S):
            if time.monotonic() > deadline_s:
                return False
        return True
