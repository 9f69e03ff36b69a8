"""The folder of a run -> what its report shows; of `track`, or of `make demo`."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.structs import Array, Pixels

# OdometryStatus.msg numbers the states.
STATES = {
    "0": "unusable",
    "1": "initialising",
    "2": "tracking",
    "3": "lost",
    "4": "paused",
    "5": "predicted",
}
# What `track` writes, what the demo writes: table, summary, trajectory, ground truth.
_LAYOUTS = (
    ("frames.csv", "report.json", "trajectory.txt", "groundtruth.txt"),
    ("status.csv", "summary.json", "trajectory_camera.txt", "ground_truth.txt"),
)


@dataclass(frozen=True, eq=False)
class Run:
    """What the files of a run hold; N frames.

    Attributes:
        folder: where they are.
        summary: report.json of `track`, or summary.json of the demo.
        stamps_s: (N,) seconds since the first frame.
        states, reasons: of each frame.
        counts: num_keypoints, num_matches, num_inliers -> (N,).
        stages_ms: stage -> (N,) milliseconds.
        path: the trajectory, or None if no frame was tracked.
        truth: ground truth, where there is one.
        strip: (H, W, 3) RGB picture with tracks, or None.
    """

    folder: Path
    summary: dict[str, Any]
    stamps_s: Array
    states: list[str]
    reasons: list[str]
    counts: dict[str, Array]
    stages_ms: dict[str, Array]
    path: GroundTruth | None
    truth: GroundTruth | None
    strip: Pixels | None

    @property
    def sensor(self) -> str:
        """mono, stereo or rgbd; empty if the files do not say it."""
        return str(self.summary.get("sensor", ""))

    def causes(self) -> Counter[str]:
        """Return why frames have no pose of their own -> how many; skipped ones too."""
        causes = Counter(reason for reason in self.reasons if reason)
        for skipped in self.summary.get("skipped", []) if self._is_tracked else []:
            causes[f"skipped: {skipped['reason']}"] += 1
        for reason, count in self.summary.get("left_out", {}).items():
            causes[f"left out: {reason}"] += count
        return causes

    @property
    def _is_tracked(self) -> bool:
        return isinstance(self.summary.get("skipped"), list)


def read_run(folder: Path) -> Run:
    """Read what a run has left in a folder.

    Raises:
        ValueError: naming folder, file and remedy, if it is not one of a run.
    """
    complete = [names for names in _LAYOUTS if all((folder / name).is_file() for name in names[:2])]
    if not complete:
        pairs = ", nor ".join(" and ".join(names[:2]) for names in _LAYOUTS)
        raise ValueError(
            f"{folder} has no {pairs}: give the output folder of `track` or of `make demo`"
        )
    newest = max(complete, key=lambda names: (folder / names[0]).stat().st_mtime_ns)
    table, summary, trajectory, truth = (folder / name for name in newest)
    rows = _read_table(table)
    stamps_s = np.array([float(row["stamp_s"]) for row in rows])
    counts = ("num_keypoints", "num_matches", "num_inliers")
    stages = [name for name in rows[0] if name.endswith("_ms")]
    return Run(
        folder=folder,
        summary=_read_summary(summary),
        stamps_s=stamps_s - stamps_s[0],
        states=[STATES.get(row["state"], row["state"]) for row in rows],
        reasons=[row["reason"] for row in rows],
        counts={name: _column(table, rows, name) for name in counts},
        stages_ms={name.removesuffix("_ms"): _column(table, rows, name) for name in stages},
        path=_read_poses(trajectory),
        truth=_read_poses(truth),
        strip=_read_picture(folder / "tracks.png"),
    )


def _read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    needed = {"stamp_s", "state", "reason", "num_keypoints", "num_matches", "num_inliers"}
    missing = sorted(needed - set(rows[0] if rows else ()))
    if missing:
        what = f"no column {missing[0]}" if rows else "no frame"
        raise ValueError(f"{path} has {what}: run `track` or `make demo` again")
    return rows


def _column(path: Path, rows: list[dict[str, str]], name: str) -> Array:
    """Return (N,) numbers of a column."""
    try:
        return np.array([float(row[name]) for row in rows])
    except (TypeError, ValueError):
        raise ValueError(f"{path} has a {name} that is no number: write it again") from None


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error}): write it again") from None
    if not isinstance(summary, dict):
        raise ValueError(f"{path} holds no object: write it again")
    return summary


def _read_poses(path: Path) -> GroundTruth | None:
    """Return the poses of a file; None if there is none, or only its header."""
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    if all(not line.strip() or line.startswith("#") for line in lines):
        return None
    return tum_rows.read(path)


def _read_picture(path: Path) -> Pixels | None:
    """Return (H, W, 3) RGB of a file; None if there is none, or it is damaged."""
    picture = cv2.imread(str(path)) if path.is_file() else None
    return None if picture is None else np.ascontiguousarray(picture[:, :, ::-1])
