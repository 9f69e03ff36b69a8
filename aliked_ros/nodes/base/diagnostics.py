"""What a node says about itself on /diagnostics: counts, rates, latencies, and a watchdog."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from aliked_ros.nodes.base.clocks import STEADY

PERIOD_S = 1.0
SILENCE_S = 5.0  # as long as this without input is worth a warning
SILENCE_REPEAT_S = 30.0
NUM_RECENT = 300  # frames whose times are summed up
RECENT_S = 5.0  # a problem stays in the status for this long


class Diagnostics:
    """Counts what happens to frames and publishes it once a second.

    Frames that could not be used are counted by cause; frames that were sent and never received,
    and those replaced by newer ones, are counted where they happen and shown beside them.
    """

    def __init__(self, node: Node, hardware_id: str) -> None:
        self._node = node
        self._hardware_id = hardware_id
        self._lock = threading.Lock()
        self._inputs: dict[str, int] = {}  # topic -> publishers that it hears
        self._facts: dict[str, Callable[[], object]] = {}
        self._latencies_ms: deque[float] = deque(maxlen=NUM_RECENT)
        self._stages_ms: dict[str, deque[float]] = {}
        self._num_received = self._num_processed = self._num_missed = 0
        self._skipped: dict[str, int] = {}
        self._problem = ""
        self._problem_at = self._received_at = self._last_report = time.monotonic()
        self._counts_before = (0, 0)
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = node.create_timer(PERIOD_S, self._report, clock=STEADY)

    def watch(self, topic: str) -> None:
        """Name a subscribed topic in the reports and in the watchdog's warning."""
        self._inputs[topic] = 0
        self._received_at = time.monotonic()

    def watch_nothing(self) -> None:
        """Forget the watched topics: there is nothing to wait for."""
        self._inputs.clear()

    def set_publishers(self, topic: str, num_publishers: int) -> None:
        """Note how many publishers a watched topic hears (compatible QoS only)."""
        self._inputs[topic] = num_publishers

    def show(self, name: str, fact: Callable[[], object]) -> None:
        """Add a line to the status; `fact` is called for each report."""
        self._facts[name] = fact

    @property
    def num_processed(self) -> int:
        """Frames whose result was published."""
        return self._num_processed

    @property
    def num_skipped(self) -> int:
        """Frames that could not be used or were never received, all causes together."""
        with self._lock:
            return sum(self._skipped.values()) + self._num_missed

    def count_received(self) -> None:
        """Count a frame that arrived."""
        with self._lock:
            self._num_received += 1
            self._received_at = time.monotonic()

    def count_processed(self, latency_ms: float, **stages_ms: float) -> None:
        """Count a frame whose result was published, the time that it took here, and its stages."""
        with self._lock:
            self._num_processed += 1
            self._latencies_ms.append(latency_ms)
            for stage, spent_ms in stages_ms.items():
                self._stages_ms.setdefault(stage, deque(maxlen=NUM_RECENT)).append(spent_ms)

    def count_skipped(self, cause: str, problem: str = "") -> None:
        """Count a frame that could not be used; a problem is also logged once a second."""
        with self._lock:
            self._skipped[cause] = self._skipped.get(cause, 0) + 1
        if problem:
            self.warn(f"{cause}: {problem}")

    def warn(self, text: str) -> None:
        """Log a warning, at most once a second, and show it in the next reports."""
        self._problem, self._problem_at = text, time.monotonic()
        self._node.get_logger().warning(text, throttle_duration_sec=1.0)

    def count_missed(self, num_messages: int) -> None:
        """Count messages that were sent and never reached this node."""
        if num_messages:
            self._num_missed += num_messages
            self.warn(
                f"{self._num_missed} messages were overwritten by newer ones or lost in transport: "
                "if that goes on, load fastdds_large_images.xml in every process that sends images "
                "(FASTRTPS_DEFAULT_PROFILES_FILE)"
            )

    def _report(self) -> None:
        now = time.monotonic()
        level, text = self._level(now)
        status = DiagnosticStatus(
            level=level,
            name=f"{self._node.get_fully_qualified_name()[1:]}: frames",
            message=text,
            hardware_id=self._hardware_id,
            values=[KeyValue(key=key, value=str(value)) for key, value in self._values(now)],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _values(self, now: float) -> list[tuple[str, object]]:
        """Return names and values of a report."""
        with self._lock:
            input_hz, output_hz = self._rates_hz(now)
            latencies = np.array(self._latencies_ms) if self._latencies_ms else np.full(1, np.nan)
            values: list[tuple[str, object]] = [
                ("input rate (Hz)", f"{input_hz:.2f}"),
                ("output rate (Hz)", f"{output_hz:.2f}"),
                ("received", self._num_received),
                ("processed", self._num_processed),
                ("sent and not received", self._num_missed),
                *((f"skipped, {cause}", num) for cause, num in self._skipped.items()),
                ("latency p50 (ms)", f"{np.percentile(latencies, 50):.1f}"),
                ("latency p95 (ms)", f"{np.percentile(latencies, 95):.1f}"),
            ]
            for stage, spent_ms in self._stages_ms.items():
                spent = f"{np.median(spent_ms):.2f} / {max(spent_ms):.2f}"
                values.append((f"{stage} p50 / max (ms)", spent))
        values += [(f"publishers of {topic}", num) for topic, num in self._inputs.items()]
        return values + [(name, fact()) for name, fact in self._facts.items()]

    def _rates_hz(self, now: float) -> tuple[float, float]:
        """Return the rates of input and output since the last report."""
        seconds = max(now - self._last_report, 1e-3)
        before, counts = self._counts_before, (self._num_received, self._num_processed)
        self._counts_before, self._last_report = counts, now
        return (counts[0] - before[0]) / seconds, (counts[1] - before[1]) / seconds

    def _level(self, now: float) -> tuple[bytes, str]:
        """Return the level and one sentence; warn if nothing has come for a while."""
        if self._inputs and now - self._received_at > SILENCE_S:
            text = self._silence(now - self._received_at)
            self._node.get_logger().warning(text, throttle_duration_sec=SILENCE_REPEAT_S)
            return (DiagnosticStatus.STALE if self._num_received else DiagnosticStatus.WARN), text
        if self._problem and now - self._problem_at < RECENT_S:
            return DiagnosticStatus.WARN, self._problem
        return DiagnosticStatus.OK, "frames are processed" if self._num_processed else "waiting"

    def _silence(self, seconds: float) -> str:
        """Say which topics are silent and what to check."""
        topics = ", ".join(
            f"{topic} ({num_heard} of {self._node.count_publishers(topic)} publishers match)"
            for topic, num_heard in self._inputs.items()
        )
        return (
            f"nothing usable received for {seconds:.0f} s on {topics}. Check the names (ros2 topic "
            "list), the rate (ros2 topic hz), QoS (ros2 topic info -v), equal stamps where "
            "several topics are paired, and that every process loads fastdds_large_images.xml"
        )
