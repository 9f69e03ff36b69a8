"""Who else publishes the transform that we publish."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

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
                self._topics.unsubscribe("/tf")
                self.is_listening = False
            return
        is_due = publishers != self._publishers or now_s - self._listened_at_s > _PERIOD_S
        self._publishers = publishers
        if is_due and self._topics.is_open and self._topics.num_publishers("/tf") > 1:
            self.is_listening, self._listened_at_s = True, now_s
            self._topics.subscribe(
                TFMessage, "/tf", TRANSFORM_QOS, self._hear, is_watched=False, is_raw=True
            )

    def _hear(self, data: bytes, _: int) -> None:
        if self._child.encode() not in data:
            return
        for transform in deserialize_message(data, TFMessage).transforms:
            parent, child = transform.header.frame_id.lstrip("/"), transform.child_frame_id
            if child.lstrip("/") == self._child and not self._is_ours(parent, transform):
                self._tell(parent)

    def _is_ours(self, parent: str, transform: object) -> bool:
        if parent != self._parent:
            return False
        stamp_ns = stamp_to_ns(transform.header.stamp)  # type: ignore[attr-defined]
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
