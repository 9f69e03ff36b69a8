"""How topics are subscribed and published: quality of service, transport, missing messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.nodes.health import Health
from aliked_ros.nodes.parameters import declare

Callback = Callable[[Any, int], None]

TRANSPORTS = ("raw", "compressed")
# Best effort hears reliable and best-effort cameras alike. The worker keeps the newest image only;
# the queue before it lets a process that was not scheduled for a moment count what it passes over.
IMAGE_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
# Images that wait for their partner (features, depth, right image) to be paired by stamp.
PAIRED_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
RESULT_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


def declare_transport(node: Node) -> str:
    """Declare and return the parameter `image_transport`.

    Raises:
        ValueError: if it is neither raw nor compressed.
    """
    transport: str = declare(
        node, "image_transport", "raw", f"how images arrive ({' | '.join(TRANSPORTS)})"
    )
    if transport not in TRANSPORTS:
        raise ValueError(f"image_transport is {transport!r}: use one of {', '.join(TRANSPORTS)}")
    return transport


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
    health: Health,
) -> Subscription:
    """Subscribe to an image topic, raw or compressed; see `subscribe`."""
    message_type, name = image_type_and_topic(node, topic, transport)
    return subscribe(node, message_type, name, qos, callback, health)


def subscribe(
    node: Node,
    message_type: type,
    topic: str,
    qos: QoSProfile,
    callback: Callback,
    health: Health,
) -> Subscription:
    """Subscribe, and let `health` know who publishes and what never arrives.

    The callback is called with the message and with the time when it was published, in
    nanoseconds of the sender's wall clock.
    """
    name = node.resolve_topic_name(topic)
    health.watch(name)
    gaps = GapCounter()

    def receive(message: Any, info: dict[str, Any]) -> None:
        health.missed(gaps.count(info["publication_sequence_number"]))
        callback(message, info["source_timestamp"])

    def matched(event: Any) -> None:
        gaps.is_single = event.current_count == 1
        health.matched(name, event.current_count)

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
