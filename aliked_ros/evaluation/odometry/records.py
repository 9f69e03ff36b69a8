"""What is kept of each frame of a run, and the figures of all for a machine-readable report."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from aliked_ros.odometry.result import Motion, OdometryResult, State
from aliked_ros.structs import Array, Frame, Index

_FIGURES = ("num_keypoints", "num_matches", "num_inliers", "parallax_deg")


class TrackedFrame(Protocol):
    """What the odometry made of a frame."""

    @property
    def result(self) -> OdometryResult:
        """What it says."""

    @property
    def stages_ms(self) -> dict[str, float]:
        """Stage -> milliseconds."""


class MapHolder(Protocol):
    """An odometry that can say what its map holds."""

    def keyframes(self) -> list[tuple[int, Array]]:
        """Return stamp (ns) and T_world_camera (4, 4) of the keyframes."""

    def landmarks(self) -> tuple[Array, Index]:
        """Return the landmarks (L, 3); how many keyframes see each (L,)."""


class Tracker(Protocol):
    """The odometry of a run, such as a FramePipeline."""

    @property
    def odometry(self) -> MapHolder:
        """What tracks."""

    def process(self, frame: Frame) -> TrackedFrame:
        """Track the next frame."""


@dataclass(frozen=True, eq=False)
class FrameRecord:
    """What is kept of a frame: its result without the tracks, which would fill the memory.

    Attributes:
        stamp_ns, state, motion, reason, T_world_camera, covariance, is_keyframe: as in
            OdometryResult.
        noise_covariance, step_covariance, unit_deviation: likewise.
        figures: num_keypoints, num_matches, num_inliers and parallax_deg of OdometryResult.
        latencies_ms: stage -> milliseconds; "total" is everything up to the pose.
    """

    stamp_ns: int
    state: State
    motion: Motion
    reason: str
    T_world_camera: Array | None
    covariance: Array
    is_keyframe: bool
    figures: dict[str, float]
    latencies_ms: dict[str, float]
    noise_covariance: Array = field(default_factory=lambda: np.zeros((6, 6)))
    step_covariance: Array | None = None
    unit_deviation: float = 0.0

    @classmethod
    def of(cls, result: OdometryResult, latencies_ms: dict[str, float]) -> FrameRecord:
        """Return the record of a result."""
        return cls(
            result.stamp_ns,
            result.state,
            result.motion,
            result.reason,
            result.T_world_camera,
            result.covariance,
            result.is_keyframe,
            {name: float(getattr(result, name)) for name in _FIGURES},
            latencies_ms,
            result.noise_covariance,
            result.step_covariance,
            result.unit_deviation,
        )


def summarise(records: list[FrameRecord], num_skipped: int) -> dict[str, Any]:
    """Return counts, medians and latencies of a run.

    Args:
        records: one per frame that was processed.
        num_skipped: frames that could not be read.

    Returns:
        frames, motions, reasons: counts by name; lost are all frames whose pose was not measured
        once one had been, predicted those of them that have another one; medians: of the counts
        per frame; latency_ms: stage -> median and 99th percentile.
    """
    states = Counter(record.state for record in records)
    tracked, initialising = states[State.TRACKING], states[State.INITIALISING]
    return {
        "frames": {
            "total": len(records) + num_skipped,
            "skipped": num_skipped,
            "tracked": tracked,
            "lost": len(records) - tracked - initialising,
            "predicted": states[State.PREDICTED],
            "initialising": initialising,
            "keyframes": sum(record.is_keyframe for record in records),
        },
        "motions": dict(Counter(record.motion.value for record in records)),
        "reasons": dict(
            Counter(kind_of_reason(record.reason) for record in records if record.reason)
        ),
        "medians": {
            name: _median([record.figures[name] for record in records]) for name in _FIGURES
        },
        "latency_ms": _latencies(records),
    }


def _median(values: list[float]) -> float | None:
    """Return the median of the known values, or None, for which JSON has a word."""
    known = [value for value in values if np.isfinite(value)]
    return round(float(np.median(known)), 4) if known else None


def kind_of_reason(reason: str) -> str:
    """Return a reason with N for its figures, so that alike ones are counted together."""
    return re.sub(r"[-+]?\d+(\.\d+)?", "N", reason)


def _latencies(records: list[FrameRecord]) -> dict[str, dict[str, float]]:
    stages = records[0].latencies_ms if records else {}
    figures = {}
    for stage in stages:
        values = [record.latencies_ms[stage] for record in records]
        figures[stage] = {
            "median": round(float(np.median(values)), 3),
            "p99": round(float(np.percentile(values, 99)), 3),
        }
    return figures
