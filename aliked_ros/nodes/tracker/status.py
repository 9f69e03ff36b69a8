"""What became of an image in the tracker -> its status message and the counts of the node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from std_msgs.msg import Header

from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.odometry.result import Motion, OdometryResult, State

STATES = {
    State.INITIALISING: OdometryStatus.INITIALISING,
    State.TRACKING: OdometryStatus.TRACKING,
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
    "unusable": OdometryStatus.UNUSABLE,
    "failed": OdometryStatus.UNUSABLE,
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of an image.

    Attributes:
        header: of the image.
        skipped: why it was skipped, a key of SKIPPED; empty if the odometry took it.
        reason: one sentence if it was skipped, or if its pose is not in metres yet.
        extraction: what the extractor says; None if it was not opened.
        result: what the odometry says; None if the image was skipped.
        stages_ms: stage -> milliseconds, as far as the image came: handover, depth, match,
            estimate.
    """

    header: Header
    skipped: str = ""
    reason: str = ""
    extraction: Extraction | None = None
    result: OdometryResult | None = None
    stages_ms: dict[str, float] | None = None

    @property
    def state(self) -> int:
        """One of the states of OdometryStatus."""
        if self.result is None:
            return SKIPPED[self.skipped]
        return OdometryStatus.INITIALISING if self.reason else STATES[self.result.state]

    @property
    def explanation(self) -> str:
        """One sentence unless the pose is measured, in metres where they are asked for."""
        return self.reason or ("" if self.result is None else self.result.reason)


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
        reason=outcome.explanation,
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
        diagnostics: counts.
        num_passed_over: images that never came to be worked on.
    """

    def __init__(
        self, node: Node, diagnostics: Diagnostics, num_passed_over: Callable[[], int]
    ) -> None:
        self._diagnostics = diagnostics
        self._num_passed_over = num_passed_over
        self._clock = node.get_clock()
        self._publisher = node.create_publisher(OdometryStatus, "status", RESULT_QOS)

    def publish(self, outcome: Outcome, frame_ms: float = 0.0) -> None:
        """Count an image and publish its status.

        Args:
            outcome: what became of it.
            frame_ms: time that it took, if it was not skipped.
        """
        self._count(outcome, frame_ms)
        if not self._publisher.get_subscription_count():
            return
        counts = self._diagnostics
        age_ns = self._clock.now().nanoseconds - stamp_to_ns(outcome.header.stamp)
        num_skipped = counts.num_skipped + self._num_passed_over()
        self._publisher.publish(
            status_message(outcome, counts.num_processed, num_skipped, age_ns * 1e-6)
        )

    def _count(self, outcome: Outcome, frame_ms: float) -> None:
        state = outcome.state
        if outcome.skipped:
            # Whoever paused the node knows why images are skipped: no warning.
            warning = "" if state == OdometryStatus.PAUSED else outcome.explanation
            self._diagnostics.count_skipped(outcome.skipped, warning)
            return
        self._diagnostics.count_processed(frame_ms, **(outcome.stages_ms or {}))
        if state != OdometryStatus.TRACKING:
            self._diagnostics.warn(outcome.explanation)
