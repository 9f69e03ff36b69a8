"""Pairs what a player sent with what came back, by stamp, in wall-clock time."""

from __future__ import annotations

import threading
import time

import numpy as np


class Answers:
    """Thread-safe: a player sends and waits in one thread, callbacks answer in another."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sent_at: dict[int, float] = {}
        self._answered: set[int] = set()
        self._latencies_s: list[float] = []
        self._is_over = False

    def sent(self, stamp_ns: int) -> None:
        """Note that a frame is being sent now."""
        with self._changed:
            self._sent_at[stamp_ns] = time.perf_counter()

    def answered(self, stamp_ns: int) -> None:
        """Note that the status of a frame has come."""
        with self._changed:
            self._answered.add(stamp_ns)
            self._changed.notify_all()

    def pose_received(self, stamp_ns: int) -> None:
        """Note that the odometry of a frame has come; the latency counts until now."""
        now = time.perf_counter()
        with self._changed:
            sent_at = self._sent_at.get(stamp_ns)
            if sent_at is not None:
                self._latencies_s.append(now - sent_at)

    def wait_for(self, stamp_ns: int, timeout_s: float) -> bool:
        """Wait for the status of a frame; return whether it came in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._is_over or stamp_ns in self._answered, timeout_s
            )

    def give_up(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def wait_for_last(self, timeout_s: float) -> None:
        """Let the consumer finish what was sent last; nobody may be listening, so not for long."""
        if self._sent_at and self._answered:
            self.wait_for(max(self._sent_at), timeout_s)

    def report(self) -> dict[str, object]:
        """Return counts and latencies, ms; None where nothing was measured."""
        latencies_ms = np.array(self._latencies_s) * 1e3
        median, p99 = np.percentile(latencies_ms, [50, 99]) if len(latencies_ms) else (None, None)
        answered = len(self._answered & set(self._sent_at))
        return {
            "sent": len(self._sent_at),
            "answered": answered,
            "unanswered": len(self._sent_at) - answered,
            "odometry": len(latencies_ms),
            "latency_median_ms": median,
            "latency_p99_ms": p99,
        }
