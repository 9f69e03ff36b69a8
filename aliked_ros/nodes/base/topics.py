"""How topics are subscribed: transport of images, who publishes, missing messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.nodes.base.diagnostics import Diagnostics

Callback = Callable[[Any, int], None]


def image_type_and_topic(node: Node, topic: str, transport: str) -> tuple[type, str]:
    """Return message type and full name of an image topic (image_transport's convention).

    The base name is remapped first, so `-r image_raw:=X` moves `image_raw/compressed` too.
    """
    name = node.resolve_topic_name(topic)
    return (CompressedImage, f"{name}/compressed") if transport == "compressed" else (Image, name)


def subscribe_image(
    node: Node,
    topic: str,
    transport: str,
    qos: QoSProfile,
    callback: Callback,
    diagnostics: Diagnostics,
) -> Subscription:
    """Subscribe to an image topic, raw or compressed; see `subscribe`."""
    message_type, name = image_type_and_topic(node, topic, transport)
    return subscribe(node, message_type, name, qos, callback, diagnostics)


def subscribe(
    node: Node,
    message_type: type,
    topic: str,
    qos: QoSProfile,
    callback: Callback,
    diagnostics: Diagnostics,
) -> Subscription:
    """Subscribe, and let `diagnostics` know who publishes and what never arrives.

    The callback is called with the message and with the time when it was published, in
    nanoseconds of the sender's wall clock.
    """
    name = node.resolve_topic_name(topic)
    diagnostics.watch(name)
    gaps = GapCounter()

    def receive(message: Any, info: dict[str, Any]) -> None:
        diagnostics.count_missed(gaps.count(info["publication_sequence_number"]))
        callback(message, info["source_timestamp"])

    def matched(event: Any) -> None:
        gaps.is_single = event.current_count == 1
        diagnostics.set_publishers(name, event.current_count)

    events = SubscriptionEventCallbacks(matched=matched)
    return node.create_subscription(message_type, name, receive, qos, event_callbacks=events)


class GapCounter:
    """Counts messages of one publisher that never arrived, by its sequence numbers.

    Best effort with a short queue loses messages without an event: in transport, or overwritten
    by newer ones before they are taken.

    Attributes:
        is_single: whether there is one publisher only; numbers of several cannot be told apart.
    """

    def __init__(self) -> None:
        self.is_single = True
        self._last: int | None = None

    def count(self, number: int | None) -> int:
        """Return how many messages are missing before the one with this number."""
        last, self._last = self._last, number
        if number is None or last is None or number <= last or not self.is_single:
            return 0  # the first one, a publisher that started over, or no numbers at all
        return number - last - 1
