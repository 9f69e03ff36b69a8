"""What a node tells about itself: counts, rates and latencies on /diagnostics, and a watchdog."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

PERIOD_S = 1.0
SILENCE_S = 5.0  # as long as this without input is worth a warning
SILENCE_REPEAT_S = 30.0
# For timers that must run, the watchdog among them, also with sim time and a silent /clock.
STEADY = Clock(clock_type=ClockType.STEADY_TIME)
NUM_RECENT = 300  # frames whose times are summed up
RECENT_S = 5.0  # a problem stays in the status for this long


class Health:
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

    def matched(self, topic: str, num_publishers: int) -> None:
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
        return sum(self._skipped.values()) + self._num_missed

    def received(self) -> None:
        """Count a frame that arrived."""
        with self._lock:
            self._num_received += 1
            self._received_at = time.monotonic()

    def processed(self, latency_ms: float, **stages_ms: float) -> None:
        """Count a frame whose result was published, the time that it took here, and its stages."""
        with self._lock:
            self._num_processed += 1
            self._latencies_ms.append(latency_ms)
            for stage, spent_ms in stages_ms.items():
                self._stages_ms.setdefault(stage, deque(maxlen=NUM_RECENT)).append(spent_ms)

    def skipped(self, cause: str, problem: str = "") -> None:
        """Count a frame that could not be used; a problem is also logged once a second."""
        with self._lock:
            self._skipped[cause] = self._skipped.get(cause, 0) + 1
        if problem:
            self.problem(f"{cause}: {problem}")

    def problem(self, text: str) -> None:
        """Log a warning, at most once a second, and show it in the next reports."""
        self._problem, self._problem_at = text, time.monotonic()
        self._node.get_logger().warning(text, throttle_duration_sec=1.0)

    def missed(self, num_messages: int) -> None:
        """Count messages that were sent and never reached this node."""
        if num_messages:
            self._num_missed += num_messages
            self.problem(
                f"{self._num_missed} messages were overwritten by newer ones or lost in transport: "
                "if that goes on, load fastdds_large_images.xml in every process that sends images "
                "(FASTRTPS_DEFAULT_PROFILES_FILE)"
            )

    def _report(self) -> None:
        now = time.monotonic()
        level, text = self._verdict(now)
        seconds = max(now - self._last_report, 1e-3)
        counts = (self._num_received, self._num_processed)
        rates = [(n - m) / seconds for n, m in zip(counts, self._counts_before, strict=True)]
        self._counts_before, self._last_report = counts, now
        with self._lock:
            latencies = np.array(self._latencies_ms) if self._latencies_ms else np.full(1, np.nan)
            values: dict[str, object] = {
                "input rate (Hz)": f"{rates[0]:.2f}",
                "output rate (Hz)": f"{rates[1]:.2f}",
                "received": self._num_received,
                "processed": self._num_processed,
                "sent and not received": self._num_missed,
                **{f"skipped, {cause}": n for cause, n in self._skipped.items()},
                "latency p50 (ms)": f"{np.percentile(latencies, 50):.1f}",
                "latency p95 (ms)": f"{np.percentile(latencies, 95):.1f}",
                **{
                    f"{stage} p50 / max (ms)": f"{np.median(spent):.2f} / {max(spent):.2f}"
                    for stage, spent in self._stages_ms.items()
                },
            }
        values.update({f"publishers of {topic}": n for topic, n in self._inputs.items()})
        values.update({name: fact() for name, fact in self._facts.items()})
        status = DiagnosticStatus(
            level=level,
            name=f"{self._node.get_fully_qualified_name()[1:]}: frames",
            message=text,
            hardware_id=self._hardware_id,
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _verdict(self, now: float) -> tuple[bytes, str]:
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
