"""What a node says about itself on /diagnostics: counts, rates, latencies, and a watchdog."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from aliked_ros.nodes.base.causes import Causes, printable
from aliked_ros.nodes.base.clocks import STEADY
from aliked_ros.nodes.base.counts import FrameCounts
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.silence import Wanted, why_silent
from aliked_ros.starting.transport import profile_variable

PERIOD_S = 1.0
SILENCE_S = 5.0  # as long as this without input is worth a warning
RECENT_S = 5.0  # a problem stays in the status for this long


@dataclass(frozen=True)
class Report:
    """One more status beside that of the frames, in diagnostic_updater's words.

    Attributes:
        level: one of DiagnosticStatus.
        message: one sentence.
        values: name -> value.
    """

    level: bytes
    message: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass(eq=False)
class _Input:
    """Something that messages are awaited from.

    Attributes:
        wanted: what is subscribed; None if it is no topic.
        since_s: since when it is awaited.
        heard_s: when it was heard last; None: never.
        num_publishers: that are heard.
    """

    wanted: Wanted | None
    since_s: float
    heard_s: float | None = None
    num_publishers: int = 0

    def silent_s(self, now_s: float) -> float:
        """Return for how long nothing has come."""
        return now_s - (self.since_s if self.heard_s is None else self.heard_s)


class Diagnostics:
    """Counts what happens to frames and publishes it once a second.

    Names are those of diagnostic_updater: "NODE: frames". Levels: OK, frames are processed; WARN,
    something is wrong with some of them or nothing has come yet; ERROR, whoever uses the results
    must not; STALE, what came has stopped.

    Args:
        node: publishes, and is asked who else publishes what.
        hardware_id: on what it runs.

    Attributes:
        hardware_id: may be set later.
        counts: of the frames.
    """

    def __init__(self, node: Node, hardware_id: str = "") -> None:
        self.hardware_id = hardware_id
        self.counts = FrameCounts()
        self._node = node
        self._inputs: dict[str, _Input] = {}  # by topic
        self._facts: dict[str, Callable[[], object]] = {}
        self._reports: dict[str, Callable[[], Report]] = {}
        self._checks: list[Callable[[], None]] = []
        self._causes = Causes(lambda text: node.get_logger().warning(text))
        self._problem = ""
        self._problem_at = time.monotonic()
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = node.create_timer(PERIOD_S, self.report, clock=STEADY)

    def watch(self, topic: str, wanted: Wanted | None = None) -> None:
        """Name an input in the reports and in the watchdog's warning.

        Args:
            topic: its full name, or what else it is.
            wanted: what is subscribed; None if it is no topic.
        """
        self._inputs[topic] = _Input(wanted, time.monotonic())

    def watch_nothing(self) -> None:
        """Forget the watched inputs: there is nothing to wait for."""
        self._inputs.clear()

    def set_publishers(self, topic: str, num_publishers: int) -> None:
        """Note how many publishers a watched topic hears (compatible QoS only)."""
        if topic in self._inputs:
            self._inputs[topic].num_publishers = num_publishers

    def heard(self, topic: str) -> None:
        """Note that something has come from a watched input."""
        if topic in self._inputs:
            self._inputs[topic].heard_s = time.monotonic()

    def show(self, name: str, fact: Callable[[], object]) -> None:
        """Add a line to the status; `fact` is called for each report."""
        self._facts[name] = fact

    def add_report(self, name: str, make: Callable[[], Report]) -> None:
        """Publish one more status, called "NODE: NAME"; `make` is called each time."""
        self._reports[name] = make

    def add_check(self, check: Callable[[], None]) -> None:
        """Call `check` before each report; it may warn."""
        self._checks.append(check)

    def forget(self) -> None:
        """Forget everything that parts of the node have added; counts go on."""
        self.counts.settle()
        for added in (self._inputs, self._facts, self._reports, self._checks):
            added.clear()

    def count_received(self) -> None:
        """Count a frame that arrived."""
        self.counts.received()

    def count_processed(self, latency_ms: float, **stages_ms: float) -> None:
        """Count a frame whose result was published, the time that it took here, and its stages."""
        self.counts.processed(latency_ms, stages_ms)

    def count_skipped(self, cause: str, problem: str = "") -> None:
        """Count a frame that could not be used; a problem is also logged, once per cause."""
        self.counts.skipped(cause)
        if problem:
            self.warn(f"{cause}: {problem}", cause)

    def count(self, name: str, problem: str = "") -> None:
        """Count something that is not the fate of a frame; a problem is logged once."""
        self.counts.other(name)
        if problem:
            self.warn(problem, name)

    def count_missed(self, num_messages: int) -> None:
        """Count messages that were sent and never reached this node."""
        if num_messages:
            num_missed = self.counts.missed(num_messages)
            self.warn(
                f"{num_missed} messages were overwritten by newer ones or lost in transport: "
                "if that goes on, load fastdds_large_images.xml in every process that sends images "
                f"({profile_variable()})"
            )

    def warn(self, text: str, kind: str = "") -> None:
        """Log a warning once per cause, and show it in the next reports."""
        self._problem, self._problem_at = printable(text), time.monotonic()
        self._causes.note(kind, text)

    def inform(self, text: str) -> None:
        """Log something that a user should know; call it once."""
        self._node.get_logger().info(printable(text))

    def fatal(self, text: str) -> None:
        """Log why the process ends."""
        self._node.get_logger().fatal(printable(text))

    def report(self) -> None:
        """Publish what is known now."""
        for check in list(self._checks):
            try:
                check()
            except Exception as error:  # what is found out about others must not silence us
                self._causes.note("check", f"a check failed: {explain(error)}")
        level, text = self._level(time.monotonic())
        statuses = [self._status("frames", Report(level, text, dict(self._values())))]
        statuses += [self._status(name, make()) for name, make in list(self._reports.items())]
        message = DiagnosticArray(status=statuses)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _status(self, name: str, report: Report) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=report.level,
            name=f"{self._node.get_fully_qualified_name()[1:]}: {name}",
            message=report.message,
            hardware_id=self.hardware_id or "none",
            values=[KeyValue(key=key, value=str(value)) for key, value in report.values.items()],
        )

    def _values(self) -> list[tuple[str, object]]:
        """Return names and values of the frames' status."""
        values = self.counts.values()
        if self.counts.received_at is not None:
            age_s = time.monotonic() - self.counts.received_at
            values.append(("age of the newest frame (s)", f"{age_s:.1f}"))
        values += [
            (f"publishers of {topic}", one.num_publishers)
            for topic, one in list(self._inputs.items())
            if one.wanted is not None
        ]
        return values + [(name, _told(fact)) for name, fact in list(self._facts.items())]

    def _level(self, now: float) -> tuple[bytes, str]:
        """Return the level and one sentence; warn of inputs from which nothing has come."""
        if any(one.silent_s(now) > SILENCE_S for one in list(self._inputs.values())):
            text = self._silence(now)
            self._causes.note("silence", text)
            received_at = self.counts.received_at
            has_stopped = received_at is not None and now - received_at > SILENCE_S
            return (DiagnosticStatus.STALE if has_stopped else DiagnosticStatus.WARN), text
        if self._problem and now - self._problem_at < RECENT_S:
            return DiagnosticStatus.WARN, self._problem
        is_working = self.counts.num_processed > 0
        return DiagnosticStatus.OK, "frames are processed" if is_working else "waiting"

    def _silence(self, now: float) -> str:
        """Say which inputs are silent and what to check."""
        return "; ".join(
            f"nothing from {topic} for {one.silent_s(now):.0f} s"
            + ("" if one.wanted is None else f": {why_silent(self._node, one.wanted)}")
            for topic, one in list(self._inputs.items())
            if one.silent_s(now) > SILENCE_S
        )


def _told(fact: Callable[[], object]) -> object:
    """Return a fact, or why it cannot be told."""
    try:
        return fact()
    except Exception as error:
        return f"unknown ({explain(error)})"
