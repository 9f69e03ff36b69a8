"""Messages of several topics -> sets of equal stamps, where message_filters is not installed.

The two classes have the names and the calls of message_filters (package documentation, ROS 2
Jazzy), as far as this package uses them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Callback = Callable[..., None]


class SimpleFilter:
    """A source of messages; whoever registered is called with each of them."""

    def __init__(self) -> None:
        self._callbacks: list[Callback] = []

    def registerCallback(self, callback: Callback) -> None:  # noqa: N802 - message_filters' name
        """Call `callback(*messages)` for everything that this source signals."""
        self._callbacks.append(callback)

    def signalMessage(self, *messages: Any) -> None:  # noqa: N802 - message_filters' name
        """Hand messages to everybody who registered."""
        for callback in self._callbacks:
            callback(*messages)


class ApproximateTimeSynchronizer(SimpleFilter):
    """Signals one message of each source as soon as all stamps lie within `slop` seconds.

    Each source keeps its newest `queue_size` messages. A message is used at most once, and sets
    come in the order of time: what is older than a set that was signalled is dropped with it.
    """

    def __init__(self, sources: list[SimpleFilter], queue_size: int, slop: float) -> None:
        super().__init__()
        self._queue_size = queue_size
        self._slop_ns = int(slop * 1e9)
        self._queues: list[dict[int, Any]] = [{} for _ in sources]
        for index, source in enumerate(sources):
            source.registerCallback(lambda message, index=index: self._add(index, message))

    def _add(self, index: int, message: Any) -> None:
        stamp = message.header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        queue = self._queues[index]
        queue[stamp_ns] = message
        while len(queue) > self._queue_size:
            del queue[min(queue)]
        chosen = self._partners(stamp_ns)
        if chosen is None:
            return
        messages = [queue[ns] for queue, ns in zip(self._queues, chosen, strict=True)]
        self._queues = [
            {ns: waiting for ns, waiting in queue.items() if ns > used}
            for queue, used in zip(self._queues, chosen, strict=True)
        ]
        self.signalMessage(*messages)

    def _partners(self, stamp_ns: int) -> list[int] | None:
        """Return the nearest stamp of each queue, or None if one has none within the slop."""
        chosen = []
        for queue in self._queues:
            nearest = min(queue, key=lambda ns: abs(ns - stamp_ns), default=None)
            if nearest is None or abs(nearest - stamp_ns) > self._slop_ns:
                return None
            chosen.append(nearest)
        return chosen if max(chosen) - min(chosen) <= self._slop_ns else None
