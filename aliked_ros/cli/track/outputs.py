"""The files of a run: trajectory.txt, groundtruth.txt, report.json, trajectory.png."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros import __version__
from aliked_ros.cli.track.frame_table import write_frame_table
from aliked_ros.cli.track.tracked import Configs, TrackRun
from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.image_files import write_image
from aliked_ros.datasets.sequence import Sequence
from aliked_ros.datasets.whole_files import RowFile, write_whole
from aliked_ros.evaluation.odometry.records import FrameRecord, kind_of_reason, summarise
from aliked_ros.evaluation.odometry.trajectory import Comparison, compare_files
from aliked_ros.extras import MissingPackageError
from aliked_ros.odometry.result import State
from aliked_ros.plotting import plot_trajectory

TRAJECTORY = "trajectory.txt"
_OTHER_UNIT = 20.0  # times the length of the other path
_MIN_LENGTH_M = 1e-3  # of a path that tells its unit
_OTHERS = ("groundtruth.txt", "report.json", "trajectory.png", "tracks.png")


class TrajectoryFile:
    """trajectory.txt: the frames whose pose was measured, each row on disk at once.

    What an earlier run left in the folder goes, so that no file tells of another run.

    Args:
        folder: of the file.

    Raises:
        OSError: naming the file, if it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = RowFile(folder / TRAJECTORY)
        for name in _OTHERS:
            (folder / name).unlink(missing_ok=True)
        self._file.write(tum_rows.HEADER)

    def add(self, record: FrameRecord) -> None:
        """Write the pose of a frame, if it has one."""
        if record.state is State.TRACKING and record.T_world_camera is not None:
            self._file.write(tum_rows.row(record.stamp_ns, record.T_world_camera))


def write_outputs(
    folder: Path,
    sequence: Sequence,
    configs: Configs,
    tracked: TrackRun,
) -> str:
    """Write everything about a run but its trajectory; return a summary to be printed.

    The score is computed from the files. Without evo there is no score, without matplotlib no
    trajectory.png; the summary says so.
    """
    sensor = configs.odometry.sensor
    left_out: list[str] = []
    comparison = None
    if _write_ground_truth(folder / "groundtruth.txt", sequence, tracked):
        files = folder / TRAJECTORY, folder / "groundtruth.txt"
        with _without_extra(left_out, "no score"):
            comparison = compare_files(*files, with_scale=sensor == "mono")
    write_frame_table(folder, tracked.records)
    doubts = _doubt_units(sensor, comparison)
    tracked.remarks.extend(doubts)
    report = _report(sequence, configs, tracked, comparison)
    write_whole(folder / "report.json", (json.dumps(report, indent=2) + "\n").encode())
    with _without_extra(left_out, "no trajectory.png"):
        _plot(folder, f"{sequence.name}, {sensor}", sensor, comparison)
    return "\n".join([*_summary(report, tracked), *doubts, *left_out, f"written: {folder}"])


def _report(
    sequence: Sequence, configs: Configs, tracked: TrackRun, comparison: Comparison | None
) -> dict[str, Any]:
    """Return report.json."""
    return {
        "sequence": {
            "name": sequence.name,
            "layout": sequence.layout,
            "num_frames": len(sequence),
        },
        "sensor": configs.odometry.sensor,
        **summarise(tracked.records, len(tracked.errors)),
        "score": None if comparison is None else asdict(comparison.score),
        "skipped": [{"frame": error.index, "reason": error.reason} for error in tracked.errors],
        "left_out": dict(tracked.left_out),
        "remarks": tracked.remarks,
        "interrupted": tracked.is_interrupted,
        "config": asdict(configs),
        "weights": tracked.weights_id,
        "version": __version__,
    }


@contextmanager
def _without_extra(left_out: list[str], what: str) -> Iterator[None]:
    """Continue where an optional package is missing; note what is left out, and why."""
    try:
        yield
    except MissingPackageError as error:
        left_out.append(f"{what}: {error}")


def _write_ground_truth(path: Path, sequence: Sequence, tracked: TrackRun) -> bool:
    """Write the ground truth at the stamps of the frames; return whether there is any."""
    truth = sequence.ground_truth
    if truth is None:
        return False
    poses = [
        (record.stamp_ns, T_world_camera)
        for record in tracked.records
        if (T_world_camera := truth.at(record.stamp_ns)) is not None
    ]
    tum_rows.write(path, poses)
    return bool(poses)


def _doubt_units(sensor: str, comparison: Comparison | None) -> list[str]:
    """Return that estimate and ground truth are in different units, if they look so."""
    if comparison is None or sensor == "mono":
        return []
    own_m, truth_m = (
        float(np.linalg.norm(np.diff(positions, axis=0), axis=1).sum())
        for positions in (comparison.positions_m, comparison.reference_m)
    )
    short_m, long_m = sorted((own_m, truth_m))
    if short_m < _MIN_LENGTH_M or long_m < _OTHER_UNIT * short_m:
        return []
    return [
        f"the path is {own_m:.4g} m long, that of the ground truth {truth_m:.4g} m: check that the "
        "ground truth and the depth or baseline are in metres"
    ]


def _plot(folder: Path, title: str, sensor: str, comparison: Comparison | None) -> None:
    if comparison is None:
        path = tum_rows.read(folder / TRAJECTORY)
        positions = path.T_world_camera[:, :3, 3]
        unit = "its own unit" if sensor == "mono" else "m"
        picture = plot_trajectory(path.stamps_ns, positions, title=title, unit=unit)
    else:
        score = comparison.score
        picture = plot_trajectory(
            comparison.stamps_ns,
            comparison.positions_m,
            comparison.reference_m,
            title=f"{title}: ATE {score.ate_rmse_m:.3f} m over {score.length_m:.1f} m "
            f"({score.alignment})",
        )
    write_image(folder / "trajectory.png", picture)


def _summary(report: dict[str, Any], tracked: TrackRun) -> list[str]:
    """Return lines for the screen: frames, latency, and the score where there is one."""
    frames, total_ms = report["frames"], report["latency_ms"].get("total")
    lines = [
        f"{report['sequence']['name']} {report['sensor']}: {frames['tracked']} of "
        f"{frames['total']} frames tracked, {frames['lost']} lost, "
        f"{frames['initialising']} initialising, {frames['skipped']} skipped",
    ]
    if total_ms:
        lines.append(
            f"latency: median {total_ms['median']:.0f} ms, p99 {total_ms['p99']:.0f} ms per frame"
        )
    if report["interrupted"]:
        lines[0] += " before it was interrupted"
    if not frames["tracked"]:
        lines.append(f"no frame was tracked: {_why(tracked)}")
    lines += [f"{count} left out: {reason}" for reason, count in _by_kind(tracked.left_out)]
    score = report["score"]
    if score is not None:
        lines.append(
            f"ATE {score['ate_rmse_m']:.3f} m over {score['length_m']:.1f} m "
            f"({score['alignment']}, {score['num_pairs']} poses); RPE over "
            f"{score['rpe_frames']} frames {score['rpe_rmse_m']:.3f} m, "
            f"{score['rpe_rmse_deg']:.2f} deg"
        )
    return lines


def _by_kind(left_out: Counter[str]) -> list[tuple[str, int]]:
    """Return reasons that differ by more than figures, in the words of the first, and counts."""
    words: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for reason, count in left_out.items():
        kind = kind_of_reason(reason)
        words.setdefault(kind, reason)
        counts[kind] += count
    return [(words[kind], count) for kind, count in counts.most_common()]


def _why(tracked: TrackRun) -> str:
    """Return the most frequent reasons of the odometry, each in the words of its first frame."""
    words: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for record in tracked.records:
        kind = kind_of_reason(record.reason)
        words.setdefault(kind, record.reason)
        counts[kind] += bool(kind)
    told = [f"{words[kind]} ({count} frames)" for kind, count in counts.most_common(2) if count]
    return "; ".join(told) or "the odometry gives no reason"
