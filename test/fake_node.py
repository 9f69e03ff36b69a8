"""Stands in for a node in the tests of its parts: keeps what they publish, say and subscribe to."""

from collections import defaultdict
from types import SimpleNamespace

import pytest

pytest.importorskip("builtin_interfaces", reason="ROS is not installed: run make install")

from builtin_interfaces.msg import Time

INFO = {"publication_sequence_number": None, "source_timestamp": 0}


class FakeTimer:
    """Fires when it is called."""

    def __init__(self, callback):
        self._callback = callback
        self._is_canceled = False

    def __call__(self):
        self._callback()

    def cancel(self):
        self._is_canceled = True

    def reset(self):
        self._is_canceled = False

    def is_canceled(self):
        return self._is_canceled


class FakeNode:
    """Has the calls of rclpy's Node that parts of nodes use; everything is listened to.

    Attributes:
        published: topic -> messages.
        callbacks: topic or service -> callback.
        endpoints: topic -> publishers, as the graph describes them.
        timers: fire when they are called.
        num_woken: how often its executor was.
        said: level -> texts.
        now_ns: what its clock says.
    """

    def __init__(self):
        self.published = defaultdict(list)
        self.callbacks = {}
        self.endpoints = defaultdict(list)
        self.timers = []
        self.said = defaultdict(list)
        self.num_listeners = 1
        self.now_ns = 0
        self.use_sim_time = False
        self.num_of_this_name = 1
        self.context = SimpleNamespace(ok=lambda: True)
        self.num_woken = 0
        self.executor = SimpleNamespace(wake=self._wake)

    def _wake(self):
        self.num_woken += 1

    def send(self, topic, message, sent_ns=0):
        """Hand a message to the subscription of a topic."""
        self.callbacks[topic](message, INFO | {"source_timestamp": sent_ns})

    def create_publisher(self, _, topic, *__):
        self.published[topic] = []
        return SimpleNamespace(
            publish=self.published[topic].append,
            get_subscription_count=lambda: self.num_listeners,
        )

    def create_subscription(self, _, topic, callback, *__, **___):
        self.callbacks[topic] = callback
        return topic

    def destroy_subscription(self, topic):
        del self.callbacks[topic]

    def create_service(self, _, name, callback):
        self.callbacks[name] = callback

    def create_timer(self, _, callback, clock=None):
        self.timers.append(FakeTimer(callback))
        return self.timers[-1]

    def destroy_timer(self, timer):
        self.timers.remove(timer)

    def count_publishers(self, topic):
        return len(self.endpoints[topic])

    def get_publishers_info_by_topic(self, topic):
        return self.endpoints[topic]

    def get_topic_names_and_types(self):
        return [
            (topic, [one.topic_type for one in self.endpoints[topic]]) for topic in self.endpoints
        ]

    def get_parameter(self, name):
        return SimpleNamespace(value=getattr(self, name))

    def resolve_topic_name(self, name):
        return name if name.startswith("/") else f"/{name}"

    def get_name(self):
        return "fake"

    def get_namespace(self):
        return "/"

    def get_fully_qualified_name(self):
        return "/fake"

    def get_node_names_and_namespaces(self):
        return [("fake", "/")] * self.num_of_this_name

    def get_logger(self):
        def say(level):
            return lambda text, **_: self.said[level].append(text)

        levels = ("info", "warning", "error", "fatal")
        return SimpleNamespace(name="fake", **{level: say(level) for level in levels})

    def get_clock(self):
        def now():
            seconds, nanoseconds = divmod(self.now_ns, 10**9)
            stamp = Time(sec=seconds, nanosec=nanoseconds)
            return SimpleNamespace(nanoseconds=self.now_ns, to_msg=lambda: stamp)

        return SimpleNamespace(now=now)
