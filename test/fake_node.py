"""Stands in for a node in the tests of its parts: keeps what they publish, say and subscribe to."""

from collections import defaultdict
from types import SimpleNamespace

import pytest

pytest.importorskip("builtin_interfaces", reason="ROS is not installed: run make install")

from builtin_interfaces.msg import Time


class FakeNode:
    """Has the calls of rclpy's Node that parts of nodes use; everything is listened to.

    Attributes:
        published: topic -> messages.
        callbacks: topic or service -> callback.
        timers: callbacks.
        said: level -> texts.
        now_ns: what its clock says.
    """

    def __init__(self):
        self.published = defaultdict(list)
        self.callbacks = {}
        self.timers = []
        self.said = defaultdict(list)
        self.num_listeners = 1
        self.now_ns = 0

    def create_publisher(self, _, topic, *__):
        self.published[topic] = []
        return SimpleNamespace(
            publish=self.published[topic].append,
            get_subscription_count=lambda: self.num_listeners,
        )

    def create_subscription(self, _, topic, callback, *__, **___):
        self.callbacks[topic] = callback

    def create_service(self, _, name, callback):
        self.callbacks[name] = callback

    def create_timer(self, _, callback, clock=None):
        self.timers.append(callback)

    def count_publishers(self, _):
        return 0

    def resolve_topic_name(self, name):
        return name if name.startswith("/") else f"/{name}"

    def get_fully_qualified_name(self):
        return "/fake"

    def get_logger(self):
        def say(level):
            return lambda text, **_: self.said[level].append(text)

        return SimpleNamespace(info=say("info"), warning=say("warning"))

    def get_clock(self):
        def now():
            seconds, nanoseconds = divmod(self.now_ns, 10**9)
            stamp = Time(sec=seconds, nanosec=nanoseconds)
            return SimpleNamespace(nanoseconds=self.now_ns, to_msg=lambda: stamp)

        return SimpleNamespace(now=now)
