"""Who else publishes the transform that we publish."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from geometry_msgs.msg import TransformStamped
from rclpy.serialization import deserialize_message
from tf2_msgs.msg import TFMessage

from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.qos import TRANSFORM_QOS
from aliked_ros.nodes.base.topics import Topics

_LISTEN_S = 3.0  # whoever fights sends all the time
_PERIOD_S = 30.0
_NUM_SENT = 500


class TransformRivals:
    """Listens to /tf now and then, and whenever its publishers change, while others publish it.

    A transform has one publisher, and a frame one parent: with two, whoever asks for it gets now
    this, now that answer, and nobody says so.

    Args:
        topics: subscribes.
        parent: frame of ours.
        child: frame of ours.

    Attributes:
        is_listening: whether /tf is subscribed now.
    """

    def __init__(self, topics: Topics, parent: str, child: str) -> None:
        self._topics = topics
        self._parent, self._child = parent, child
        self._lock = threading.Lock()
        self._sent: OrderedDict[int, int] = OrderedDict()  # stamp -> how often it was not heard yet
        self._publishers: list[str] = []
        self._listened_at_s = float("-inf")
        self._rival_parent: str | None = None  # of the rival that was heard when we listened last
        self._has_heard_rival = False  # since we listen
        self.is_listening = False
        topics.diagnostics.add_check(self._look)

    def note_sent(self, stamp_ns: int) -> None:
        """Note that our transform is about to be sent."""
        with self._lock:
            self._sent[stamp_ns] = self._sent.get(stamp_ns, 0) + 1
            while len(self._sent) > _NUM_SENT:
                self._sent.popitem(last=False)

    def _look(self) -> None:
        """Listen where there is somebody to hear, and not for long: /tf may be full."""
        now_s, publishers = time.monotonic(), self._topics.publishers("/tf")
        if self.is_listening:
            if now_s - self._listened_at_s > _LISTEN_S:
                self._end()
        elif self._is_due(publishers, now_s):
            self.is_listening, self._listened_at_s = True, now_s
            self._has_heard_rival = False
            self._topics.subscribe(
                TFMessage, "/tf", TRANSFORM_QOS, self._hear, is_watched=False, is_raw=True
            )
        self._publishers = publishers
        if self._rival_parent is not None:
            self._tell(self._rival_parent)

    def _is_due(self, publishers: list[str], now_s: float) -> bool:
        if not self._topics.is_open or self._topics.num_publishers("/tf") < 2:
            self._rival_parent = None
            return False
        return publishers != self._publishers or now_s - self._listened_at_s > _PERIOD_S

    def _end(self) -> None:
        self._topics.unsubscribe("/tf")
        self.is_listening = False
        if not self._has_heard_rival:
            self._rival_parent = None

    def _hear(self, data: bytes, _: int) -> None:
        if self._child.encode() not in data:
            return
        for transform in deserialize_message(data, TFMessage).transforms:
            parent, child = transform.header.frame_id.lstrip("/"), transform.child_frame_id
            if child.lstrip("/") == self._child and not self._is_ours(parent, transform):
                self._has_heard_rival, self._rival_parent = True, parent

    def _is_ours(self, parent: str, transform: TransformStamped) -> bool:
        if parent != self._parent:
            return False
        stamp_ns = stamp_to_ns(transform.header.stamp)
        with self._lock:
            num = self._sent.get(stamp_ns, 0)
            if num > 0:
                self._sent[stamp_ns] = num - 1
        return num > 0

    def _tell(self, parent: str) -> None:
        names = ", ".join(self._topics.publishers("/tf"))
        trouble = "" if parent == self._parent else f", so that {self._child} has two parents"
        self._topics.diagnostics.warn(
            f"somebody else publishes {parent} -> {self._child} on /tf{trouble} (publishers of "
            f"/tf: {names}): set publish_tf to false here or stop the other one",
            "transform",
        )
