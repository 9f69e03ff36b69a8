"""How things are timed: whole calls by the clock, launches by events around a recording."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

Run = Callable[[], Any]


def summary(values_ms: list[float]) -> dict[str, float]:
    """Return median, best and 90th percentile."""
    ordered = sorted(values_ms)
    return {
        "median": statistics.median(ordered),
        "best": ordered[0],
        "p90": ordered[int(0.9 * (len(ordered) - 1))],
        "n": len(ordered),
    }


def in_turns(runs: dict[str, Run], repeats: int, limit_s: float) -> dict[str, dict[str, float]]:
    """Return milliseconds of whole calls, device included; the runs take turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    end_s = time.monotonic() + limit_s
    for repeat in range(repeats + 3):
        for name, run in runs.items():
            start_s = time.perf_counter()
            run()
            wait()
            if repeat >= 3:
                times[name].append((time.perf_counter() - start_s) * 1e3)
        if time.monotonic() > end_s and repeat > 6:
            break
    return {name: summary(values) for name, values in times.items() if values}


def wait() -> None:
    """Wait for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def device_us(run: Run, num: int = 10, replays: int = 5) -> float:
    """Return microseconds that a run takes on the device, launches of a graph included."""
    run()
    if not torch.cuda.is_available():
        return 0.0
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream):
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            for _ in range(num):
                run()
        finally:
            graph.capture_end()
        graph.replay()
        times = []
        for _ in range(replays):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            graph.replay()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end) * 1e3 / num)
    return statistics.median(times)
