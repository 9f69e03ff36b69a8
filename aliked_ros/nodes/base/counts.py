"""What became of frames: counts by cause, rates and latencies; safe in any thread."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable

import numpy as np

_NUM_RECENT = 300  # frames whose times are summed up


class FrameCounts:
    """Counts frames; what was received and is not in work was processed or skipped by some cause.

    Attributes:
        received_at: when something was received last, `time.monotonic`; None: never.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies_ms: deque[float] = deque(maxlen=_NUM_RECENT)
        self._stages_ms: dict[str, deque[float]] = {}
        self._num_received = self._num_processed = self._num_missed = 0
        self._skipped: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._skipped_elsewhere: dict[str, Callable[[], int]] = {}
        self._before = (time.monotonic(), 0, 0)
        self.received_at: float | None = None

    @property
    def num_received(self) -> int:
        """Frames that arrived."""
        return self._num_received

    @property
    def num_processed(self) -> int:
        """Frames whose result was published."""
        return self._num_processed

    @property
    def num_skipped(self) -> int:
        """Frames that could not be used or were never received, all causes together."""
        with self._lock:
            elsewhere = sum(num() for num in self._skipped_elsewhere.values())
            return sum(self._skipped.values()) + elsewhere + self._num_missed

    def received(self) -> None:
        """Count a frame that arrived."""
        with self._lock:
            self._num_received += 1
            self.received_at = time.monotonic()

    def processed(self, latency_ms: float, stages_ms: dict[str, float]) -> None:
        """Count a frame whose result was published, the time that it took here, and its stages."""
        with self._lock:
            self._num_processed += 1
            self._latencies_ms.append(latency_ms)
            for stage, spent_ms in stages_ms.items():
                self._stages_ms.setdefault(stage, deque(maxlen=_NUM_RECENT)).append(spent_ms)

    def skipped(self, cause: str) -> None:
        """Count a frame that could not be used."""
        with self._lock:
            self._skipped[cause] += 1

    def skipped_elsewhere(self, cause: str, num: Callable[[], int]) -> None:
        """Show frames that were skipped for a cause and are counted somewhere else."""
        self._skipped_elsewhere[cause] = num

    def settle(self) -> None:
        """Take over what was counted somewhere else, which will be gone."""
        with self._lock:
            for cause, num in self._skipped_elsewhere.items():
                self._skipped[cause] += num()
            self._skipped_elsewhere.clear()

    def missed(self, num_messages: int) -> int:
        """Count messages that were sent and never arrived; return how many there are by now."""
        with self._lock:
            self._num_missed += num_messages
            return self._num_missed

    def other(self, name: str) -> None:
        """Count something that is no frame, or is the fate of none."""
        with self._lock:
            self._others[name] += 1

    def values(self) -> list[tuple[str, object]]:
        """Return names and values of a report; rates are since the report before."""
        with self._lock:
            input_hz, output_hz = self._rates_hz()
            latencies = np.array(self._latencies_ms) if self._latencies_ms else np.full(1, np.nan)
            skipped = dict(self._skipped)
            for cause, num in self._skipped_elsewhere.items():
                skipped[cause] = skipped.get(cause, 0) + num()
            values: list[tuple[str, object]] = [
                ("input rate (Hz)", f"{input_hz:.2f}"),
                ("output rate (Hz)", f"{output_hz:.2f}"),
                ("received", self._num_received),
                ("processed", self._num_processed),
                ("sent and not received", self._num_missed),
                *((f"skipped, {cause}", num) for cause, num in skipped.items()),
                *self._others.items(),
                ("latency p50 (ms)", f"{np.percentile(latencies, 50):.1f}"),
                ("latency p95 (ms)", f"{np.percentile(latencies, 95):.1f}"),
            ]
            for stage, spent_ms in self._stages_ms.items():
                spent = f"{np.median(spent_ms):.2f} / {max(spent_ms):.2f}"
                values.append((f"{stage} p50 / max (ms)", spent))
            return values

    def _rates_hz(self) -> tuple[float, float]:
        now = time.monotonic()
        then, num_received, num_processed = self._before
        self._before = (now, self._num_received, self._num_processed)
        seconds = max(now - then, 1e-3)
        return (
            (self._num_received - num_received) / seconds,
            (self._num_processed - num_processed) / seconds,
        )
