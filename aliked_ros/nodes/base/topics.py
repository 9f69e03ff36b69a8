"""The subscriptions of a node: guarded, watched, opened and closed together."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.nodes.base.clocks import STEADY
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.gaps import GapCounter
from aliked_ros.nodes.base.silence import (
    Wanted,
    publisher_names,
    type_name,
    why_silent,
    why_unheard,
)

Callback = Callable[[Any, int], None]

_ASK_PERIOD_S = 2.0  # the graph is not asked at every image
_OVERRIDES = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY)


@dataclass(frozen=True)
class Input:
    """A topic that a node takes.

    Attributes:
        message_type: class of its messages.
        topic: full name.
        qos: that is asked for.
        callback: called with each message and with the time when it was published, nanoseconds of
            the sender's wall clock.
        is_watched: whether silence is worth a warning, and gaps are counted.
        counts_gaps: whether gaps are counted though silence is no fault.
        is_adjustable: whether the user may override its QoS.
        is_restamped: whether the time of arrival takes the place of its stamp.
        is_raw: whether the callback takes the bytes of the message.
    """

    message_type: type
    topic: str
    qos: QoSProfile
    callback: Callback
    is_watched: bool = True
    counts_gaps: bool = False
    is_adjustable: bool = False
    is_restamped: bool = False
    is_raw: bool = False


class Topics:
    """Subscribes to what the parts of a node ask for, as long as the node listens.

    What a callback raises is counted and said, and the next message is taken as if nothing had
    happened. Where a publisher offers best effort and reliable was asked for, the topic is
    subscribed again with best effort.

    Args:
        node: subscribes.
        diagnostics: hears who publishes, what never arrives and what goes wrong.

    Attributes:
        is_open: whether the topics are subscribed.
    """

    def __init__(self, node: Node, diagnostics: Diagnostics) -> None:
        self._node = node
        self.diagnostics = diagnostics
        self._inputs: list[Input | None] = []  # None: no longer wanted
        self._expected: list[str] = []
        self._open: dict[int, Subscription] = {}  # by the number of the input
        self.is_open = False
        self._said: dict[str, tuple[float, str]] = {}  # topic -> when it was asked, the answer

    def subscribe(
        self,
        message_type: type,
        topic: str,
        qos: QoSProfile,
        callback: Callback,
        **options: bool,
    ) -> str:
        """Take a topic from now on, or from `open` on; return its full name. See `Input`."""
        name = self._node.resolve_topic_name(topic)
        self._inputs.append(Input(message_type, name, qos, callback, **options))
        if self.is_open:
            self._subscribe(len(self._inputs) - 1)
        return name

    def unsubscribe(self, topic: str) -> None:
        """Take a topic no longer; `topic` is its full name."""
        for index, wanted in enumerate(self._inputs):
            if wanted is not None and wanted.topic == topic:
                self._inputs[index] = None
                subscription = self._open.pop(index, None)
                if subscription is not None:
                    self._node.destroy_subscription(subscription)

    def expect(self, name: str) -> None:
        """Watch an input that is no topic, while the node listens."""
        self._expected.append(name)
        if self.is_open:
            self.diagnostics.watch(name)

    def subscribe_image(
        self,
        topic: str,
        transport: str,
        qos: QoSProfile,
        callback: Callback,
        stamps: str = "message",
    ) -> str:
        """Take an image topic, in one of the transports of image_transport; return its full name.

        The base name is remapped first, so `-r image_raw:=X` moves `image_raw/compressed` too.
        """
        name = self._node.resolve_topic_name(topic)
        message_type = Image if transport == "raw" else CompressedImage
        full = name if transport == "raw" else f"{name}/{transport}"
        is_restamped = stamps == "arrival"
        self.subscribe(
            message_type, full, qos, callback, is_adjustable=True, is_restamped=is_restamped
        )
        return full

    def publishers(self, topic: str) -> list[str]:
        """Return the names of the nodes that publish a topic."""
        return publisher_names(self._node, topic)

    def num_publishers(self, topic: str) -> int:
        """Return how many publishers a topic has, those of this node included."""
        return int(self._node.count_publishers(topic))

    def has_latched_publisher(self, topic: str) -> bool:
        """Return whether somebody keeps the last message of a topic for who comes later."""
        return any(
            one.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
            for one in self._node.get_publishers_info_by_topic(topic)
        )

    def why_silent(self, message_type: type, topic: str, qos: QoSProfile) -> str:
        """Say why nothing comes on a topic; asks who publishes it, though not at every call."""
        now_s = time.monotonic()
        said_s, text = self._said.get(topic, (float("-inf"), ""))
        if now_s - said_s > _ASK_PERIOD_S:
            text = why_silent(self._node, Wanted(topic, type_name(message_type), qos))
            self._said[topic] = (now_s, text)
        return text

    def open(self) -> None:
        """Subscribe to everything."""
        self.is_open = True
        for name in self._expected:
            self.diagnostics.watch(name)
        for index in range(len(self._inputs)):
            self._subscribe(index)

    def close(self) -> None:
        """Unsubscribe from everything; `open` subscribes again."""
        self.is_open = False
        for subscription in self._open.values():
            self._node.destroy_subscription(subscription)
        self._open.clear()
        self.diagnostics.watch_nothing()

    def forget(self) -> None:
        """Unsubscribe, and forget what was asked for."""
        self.close()
        self._inputs.clear()
        self._expected.clear()

    def _subscribe(self, index: int, reliability: ReliabilityPolicy | None = None) -> None:
        wanted = self._inputs[index]
        if wanted is None:
            return
        qos = copy(wanted.qos)  # overrides are written into it
        if reliability is not None:
            qos.reliability = reliability
        # What the user has overridden must not undo what the publishers leave us.
        is_adjustable = wanted.is_adjustable and reliability is None
        overrides = QoSOverridingOptions(_OVERRIDES) if is_adjustable else None
        named = Wanted(wanted.topic, type_name(wanted.message_type), qos)
        if wanted.is_watched:
            self.diagnostics.watch(wanted.topic, named)
        gaps = GapCounter()

        def matched(event: Any) -> None:
            gaps.is_single = event.current_count == 1
            self.diagnostics.set_publishers(wanted.topic, event.current_count)

        def mismatched(_: Any) -> None:
            self._mismatched(index, named)

        self._open[index] = self._node.create_subscription(
            wanted.message_type,
            wanted.topic,
            self._receiver(wanted, gaps),
            qos,
            event_callbacks=SubscriptionEventCallbacks(
                matched=matched,
                incompatible_qos=mismatched if wanted.is_watched else lambda _: None,
                incompatible_type=mismatched,
            ),
            qos_overriding_options=overrides,
            raw=wanted.is_raw,
        )

    def _receiver(self, wanted: Input, gaps: GapCounter) -> Callable[[Any, dict[str, Any]], None]:
        """Return the callback of a subscription: whatever it raises ends here."""

        def receive(message: Any, info: dict[str, Any]) -> None:
            try:
                if wanted.is_watched:
                    self.diagnostics.heard(wanted.topic)
                if wanted.is_watched or wanted.counts_gaps:
                    number = info["publication_sequence_number"]
                    self.diagnostics.count_missed(gaps.count(number))
                if wanted.is_restamped:
                    message.header.stamp = self._node.get_clock().now().to_msg()
                wanted.callback(message, info["source_timestamp"])
            except Exception as error:
                self.diagnostics.count(
                    f"messages of {wanted.topic} that failed",
                    f"{wanted.topic}: {explain(error)}",
                )

        return receive

    def _mismatched(self, index: int, named: Wanted) -> None:
        """Say why a publisher is not heard; ask for less where that is all that is wrong."""
        publishers = self._node.get_publishers_info_by_topic(named.topic)
        why = [text for one in publishers if (text := why_unheard(one, named))]
        is_reliable = named.qos.reliability == ReliabilityPolicy.RELIABLE
        lower = copy(named.qos)
        lower.reliability = ReliabilityPolicy.BEST_EFFORT
        would_do = Wanted(named.topic, named.message_type, lower)
        if is_reliable and why and not all(why_unheard(one, would_do) for one in publishers):
            self.diagnostics.warn(
                f"{why[0]}; this node takes it with best_effort now, which may lose messages"
            )
            self._once(lambda: self._again(index))
        elif why:
            self.diagnostics.warn("; ".join(sorted(set(why))))

    def _again(self, index: int) -> None:
        """Subscribe again with best effort, which hears every publisher."""
        subscription = self._open.pop(index, None)
        if subscription is not None:
            self._node.destroy_subscription(subscription)
            self._subscribe(index, ReliabilityPolicy.BEST_EFFORT)

    def _once(self, call: Callable[[], None]) -> None:
        """Call something after the callback that is running: it may destroy its entity."""

        def fire() -> None:
            self._node.destroy_timer(timer)
            call()

        timer = self._node.create_timer(0.0, fire, clock=STEADY)
