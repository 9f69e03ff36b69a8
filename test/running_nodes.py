"""Starts real processes of the package, and a probe that talks to them."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import defaultdict
from pathlib import Path

import rclpy
from ament_index_python.packages import get_package_prefix
from lifecycle_msgs.srv import GetState
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import SingleThreadedExecutor

TIMEOUT_S = 120.0
END_TIMEOUT_S = 30.0
ASK_AGAIN_S = 1.0  # a node that did not know us yet has dropped its answer


class Processes:
    """Starts executables of the package and ends them as Ctrl-C does."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._executables = Path(get_package_prefix("aliked_ros"), "lib", "aliked_ros")
        self._folder = folder
        self.environment = dict(environment)  # a test may add to its own
        self._running: dict[str, subprocess.Popen] = {}

    def start(self, executable: str, *arguments: str, **parameters: object) -> None:
        """Start a node; `a__b=1` sets the parameter a.b."""
        command = [str(self._executables / executable), "--ros-args", *arguments]
        for name, value in parameters.items():
            shown = str(value).lower() if isinstance(value, bool) else value
            shown = "''" if shown == "" else shown
            command += ["-p", f"{name.replace('__', '.')}:={shown}"]
        log = (self._folder / f"{executable}.log").open("w")
        self._running[executable] = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=self.environment
        )

    def pid(self, executable: str) -> int:
        """Return the process id of a node."""
        return self._running[executable].pid

    def log(self, executable: str) -> str:
        """Return what a node has printed."""
        return (self._folder / f"{executable}.log").read_text()

    def wait(self, executable: str, timeout_s: float = TIMEOUT_S) -> int:
        """Wait until a node ends by itself; return its exit code."""
        return self._running[executable].wait(timeout_s)

    def interrupt(self, executable: str) -> int:
        """Press Ctrl-C; return the exit code."""
        self._running[executable].send_signal(signal.SIGINT)
        return self._running[executable].wait(TIMEOUT_S)

    def end(self) -> None:
        """End what is left; who is killed leaves 64 MiB of shared memory behind."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class _Introduction:
    """Asks a node until it answers: then it knows all that was made here before.

    What a process makes is told to the others reliably and in its order, so a node that has
    answered a client that was made last knows all that was made earlier. Without this, a server
    that does not know the client's end yet drops its answer.
    """

    def __init__(self, asker, name: str) -> None:
        self._client = asker.create_client(GetState, f"{name}/get_state")
        self._asked_s = float("-inf")
        self._answered = threading.Event()

    def is_over(self) -> bool:
        """Ask where it is time to; return whether an answer has come."""
        is_due = time.monotonic() > self._asked_s + ASK_AGAIN_S
        if is_due and not self._answered.is_set() and self._client.service_is_ready():
            self._asked_s = time.monotonic()
            future = self._client.call_async(GetState.Request())
            future.add_done_callback(lambda _: self._answered.set())
        return self._answered.is_set()


class Probe:
    """A node inside the test: publishes, and keeps everything that it hears.

    The two ends of a topic learn of each other at different times, seconds apart where a packet is
    lost. A message that is sent when only the sender's end knows is not heard where it is taken as
    best effort; one that is sent when only the listener's end knows is not heard at all. So a test
    waits for `wait_for_publishers` and `wait_for_subscribers` before the first message.
    """

    def __init__(self) -> None:
        self.node = rclpy.create_node("probe")
        self.heard: dict[str, list] = defaultdict(list)
        self.num_publishers: dict[str, int] = {}
        self._clients: dict[str, object] = {}
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def listen(self, message_type: type, topic: str, qos: object = 100) -> None:
        """Keep the messages of a topic in `heard[topic]`."""
        self.num_publishers[topic] = 0
        events = SubscriptionEventCallbacks(
            matched=lambda event: self.num_publishers.update({topic: event.current_count})
        )
        self.node.create_subscription(
            message_type, topic, self.heard[topic].append, qos, event_callbacks=events
        )

    def wait_for_publishers(self) -> None:
        """Wait until each topic that is listened to has publishers, and these know who listens."""
        self.wait_until(lambda: all(self.num_publishers.values()), f"all of {self.num_publishers}")
        self._meet(self.node.get_publishers_info_by_topic, self.num_publishers)

    def wait_for_subscribers(self, *publishers) -> None:
        """Wait until publishers have subscribers that hear everything from now on."""
        for one in publishers:
            self.wait_until(one.get_subscription_count, f"a subscriber of {one.topic_name}")
        topics = [one.topic_name for one in publishers]
        self._meet(self.node.get_subscriptions_info_by_topic, topics)

    def _meet(self, endpoints_of, topics) -> None:
        """Let all nodes at the other ends of topics know what the probe has made."""
        introductions: dict[str, _Introduction] = {}

        def is_known(topic):
            ends = [one for one in endpoints_of(topic) if one.node_name != self.node.get_name()]
            # An endpoint is known before the node that it belongs to; who is gone need not answer.
            if not ends or any("UNKNOWN" in one.node_name for one in ends):
                return False
            nodes = {f"{one.node_namespace.rstrip('/')}/{one.node_name}" for one in ends}
            for node in nodes - set(introductions):
                introductions[node] = _Introduction(self.node, node)
            return all(introductions[node].is_over() for node in nodes)

        for topic in list(topics):
            self.wait_until(lambda topic=topic: is_known(topic), f"who is at the end of {topic}")

    def publisher(self, message_type: type, topic: str, qos: object = 10):
        """Return a publisher."""
        return self.node.create_publisher(message_type, topic, qos)

    @staticmethod
    def wait_until(
        condition, what: str, timeout_s: float = TIMEOUT_S, poll_s: float = 0.01
    ) -> None:
        """Poll until a condition holds; fail with what was waited for."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}")
            time.sleep(poll_s)

    def call(self, service_type: type, name: str, request: object):
        """Call a service, once, and return its response."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(service_type, name)
            assert self._clients[name].wait_for_service(TIMEOUT_S), name
            introduction = _Introduction(self.node, name.rpartition("/")[0])
            self.wait_until(introduction.is_over, f"{name} to know its client")
        future = self._clients[name].call_async(request)
        self.wait_until(future.done, f"an answer of {name}")
        return future.result()

    def end(self) -> None:
        """Stop listening."""
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
