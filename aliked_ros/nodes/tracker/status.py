"""What became of an image in the tracker -> its status message and the counts of the node."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from std_msgs.msg import Header

from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.base.causes import printable
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.diagnostics import SILENCE_S, Diagnostics, Report
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.nodes.base.states import STATE_NAMES
from aliked_ros.odometry.result import Motion, OdometryResult, State

STATES = {
    State.INITIALISING: OdometryStatus.INITIALISING,
    State.TRACKING: OdometryStatus.TRACKING,
    State.PREDICTED: OdometryStatus.PREDICTED,
    State.LOST: OdometryStatus.LOST,
}
MOTIONS = {
    Motion.UNKNOWN: OdometryStatus.MOTION_UNKNOWN,
    Motion.NONE: OdometryStatus.MOTION_NONE,
    Motion.ROTATION: OdometryStatus.MOTION_ROTATION,
    Motion.GENERAL: OdometryStatus.MOTION_GENERAL,
}
# Why an image was skipped, as it is counted -> the state that its status says.
SKIPPED = {
    "paused": OdometryStatus.PAUSED,
    "not ready": OdometryStatus.INITIALISING,
}  # every other cause: UNUSABLE
LIVE_MS = 3.6e6  # a stamp further from now is of a recording
# What a state means for who uses the odometry; the others are worth a warning.
LEVELS = {
    OdometryStatus.UNUSABLE: DiagnosticStatus.ERROR,
    OdometryStatus.TRACKING: DiagnosticStatus.OK,
    OdometryStatus.PAUSED: DiagnosticStatus.OK,
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of an image.

    Attributes:
        header: of the image.
        skipped: why it was skipped, in a few words; empty if the odometry took it.
        reason: one sentence if it was skipped, or if its pose is not in metres yet.
        extraction: what the extractor says; None if it was not opened.
        result: what the odometry says; None if the image was skipped.
        stages_ms: stage -> milliseconds, as far as the image came: handover, depth, match,
            estimate.
        missing: why less is known of it than its sensor measures, one clause; else empty.
        num_depths: keypoints whose depth was measured.
        restart_reason: why the odometry restarted at this image; empty if it did not.
        num_restarts: so far.
    """

    header: Header
    skipped: str = ""
    reason: str = ""
    extraction: Extraction | None = None
    result: OdometryResult | None = None
    stages_ms: dict[str, float] | None = None
    missing: str = ""
    num_depths: int = 0
    restart_reason: str = ""
    num_restarts: int = 0

    @property
    def state(self) -> int:
        """One of the states of OdometryStatus."""
        if self.result is None:
            return SKIPPED.get(self.skipped, OdometryStatus.UNUSABLE)
        return OdometryStatus.INITIALISING if self.reason else STATES[self.result.state]

    @property
    def explanation(self) -> str:
        """One sentence unless the pose is measured, in metres, with all that the sensor has."""
        reason = self.reason or ("" if self.result is None else self.result.reason)
        return "; ".join(text for text in (reason, self.missing) if text)


def status_message(
    outcome: Outcome, num_processed: int = 0, num_skipped: int = 0, latency_ms: float = 0.0
) -> OdometryStatus:
    """Return the status of an image.

    Args:
        outcome: what became of it.
        num_processed: images so far that the odometry took.
        num_skipped: images so far that were skipped.
        latency_ms: stamp of the image to now.
    """
    result = outcome.result
    return OdometryStatus(
        header=outcome.header,
        state=outcome.state,
        reason=printable(outcome.explanation),
        restart_reason=printable(outcome.restart_reason),
        num_restarts=outcome.num_restarts,
        num_depths=outcome.num_depths,
        num_processed=num_processed,
        num_skipped=num_skipped,
        latency_ms=latency_ms,
        **_extraction_fields(outcome.extraction),
        **_result_fields(result),
        **{f"{stage}_ms": spent_ms for stage, spent_ms in (outcome.stages_ms or {}).items()},
    )


def _extraction_fields(extraction: Extraction | None) -> dict[str, Any]:
    if extraction is None:
        return {}
    names = ("max_keypoints", "transport_ms", "wait_ms", "decode_ms", "extract_ms")
    return {name: getattr(extraction, name) for name in names}


def _result_fields(result: OdometryResult | None) -> dict[str, Any]:
    if result is None:
        return {}
    return {
        "motion": MOTIONS[result.motion],
        "num_keypoints": result.num_keypoints,
        "num_matches": result.num_matches,
        "num_inliers": result.num_inliers,
        "parallax_deg": float(result.parallax_deg),
        "is_keyframe": result.is_keyframe,
    }


class StatusOutput:
    """Counts what became of images, and publishes a `status` for each of them.

    Args:
        node: publishes, and knows the time.
        diagnostics: counts, and has a report of the tracking.

    Attributes:
        newest: what became of the newest image; None before the first.
    """

    def __init__(self, node: Node, diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics
        self.newest: Outcome | None = None
        self._clock = node.get_clock()
        self._publisher = node.create_publisher(OdometryStatus, "status", RESULT_QOS)
        self._told_s = time.monotonic()  # when the newest image was answered
        self._last_restart = ""
        diagnostics.add_report("tracking", self._report)

    def publish(self, outcome: Outcome, frame_ms: float = 0.0) -> None:
        """Count an image and publish its status.

        Args:
            outcome: what became of it.
            frame_ms: time that it took, if it was not skipped.
        """
        self._count(outcome, frame_ms)
        self.newest, self._told_s = outcome, time.monotonic()
        self._last_restart = outcome.restart_reason or self._last_restart
        if not self._publisher.get_subscription_count():
            return
        counts = self._diagnostics.counts
        age_ms = (self._clock.now().nanoseconds - stamp_to_ns(outcome.header.stamp)) * 1e-6
        latency_ms = age_ms if abs(age_ms) < LIVE_MS else math.nan
        self._publisher.publish(
            status_message(outcome, counts.num_processed, counts.num_skipped, latency_ms)
        )

    def _count(self, outcome: Outcome, frame_ms: float) -> None:
        state = outcome.state
        if outcome.skipped:
            # Whoever paused the node knows why images are skipped: no warning.
            warning = "" if state == OdometryStatus.PAUSED else outcome.explanation
            self._diagnostics.count_skipped(outcome.skipped, warning)
            return
        self._diagnostics.count_processed(frame_ms, **(outcome.stages_ms or {}))
        if outcome.missing:
            is_tracking = state == OdometryStatus.TRACKING
            problem = outcome.missing if is_tracking else ""  # else the state says it, too
            self._diagnostics.count("frames tracked without depth", problem)
        if state != OdometryStatus.TRACKING:
            self._diagnostics.warn(outcome.explanation, "state")

    def _report(self) -> Report:
        """Return what is known of the tracking, for /diagnostics."""
        outcome, age_s = self.newest, time.monotonic() - self._told_s
        if outcome is None:
            return Report(DiagnosticStatus.OK, "waiting for the first image")
        message = status_message(outcome)
        name = STATE_NAMES[message.state]
        level = LEVELS.get(message.state, DiagnosticStatus.WARN)
        if message.state == OdometryStatus.TRACKING and outcome.missing:
            level = DiagnosticStatus.WARN
        if age_s > SILENCE_S:
            level, name = DiagnosticStatus.STALE, f"{name}, {age_s:.0f} s ago"
        values = {
            "state": STATE_NAMES[message.state],
            "reason": message.reason,
            "keypoints": message.num_keypoints,
            "keypoints with depth": message.num_depths,
            "matches": message.num_matches,
            "inliers": message.num_inliers,
            "parallax (deg)": f"{message.parallax_deg:.2f}",
            "age (s)": f"{age_s:.1f}",
            "restarts": message.num_restarts,
            "last restart": self._last_restart or "none",
        }
        return Report(level, f"{name}: {message.reason}" if message.reason else name, values)
