"""frames.csv: what became of each frame of a run, a row each, for `report`."""

from __future__ import annotations

import csv
from pathlib import Path

from aliked_ros.evaluation.odometry.records import FrameRecord

FRAMES = "frames.csv"


def write_frame_table(folder: Path, records: list[FrameRecord]) -> None:
    """Write a row for each record: stamp, state, reason, counts, and milliseconds by stage."""
    figures = list(records[0].figures) if records else []
    stages = list(records[0].latencies_ms) if records else []
    with (folder / FRAMES).open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["stamp_s", "state", "motion", "reason", "is_keyframe", *figures]
            + [f"{stage}_ms" for stage in stages]
        )
        for record in records:
            seconds, nanoseconds = divmod(record.stamp_ns, 10**9)
            rows.writerow(
                [f"{seconds}.{nanoseconds:09d}", record.state.value, record.motion.value]
                + [record.reason, record.is_keyframe]
                + [f"{record.figures[name]:g}" for name in figures]
                + [f"{record.latencies_ms[stage]:.3f}" for stage in stages]
            )
