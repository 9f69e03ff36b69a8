"""The files of a run: trajectory.txt, groundtruth.txt, report.json, trajectory.png."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aliked_ros import __version__
from aliked_ros.cli.track.frame_table import write_frame_table
from aliked_ros.cli.track.tracked import Configs, TrackRun
from aliked_ros.datasets import Sequence, tum_rows
from aliked_ros.datasets.image_files import write_image
from aliked_ros.evaluation.odometry.records import summarise
from aliked_ros.evaluation.odometry.trajectory import Comparison, compare_files
from aliked_ros.extras import MissingPackageError
from aliked_ros.odometry.result import State
from aliked_ros.plotting import plot_trajectory


def write_outputs(
    folder: Path,
    sequence: Sequence,
    configs: Configs,
    tracked: TrackRun,
) -> str:
    """Write everything about a run; return a summary to be printed.

    The trajectory holds the frames whose pose was measured. It is written first; the score is
    computed from the files. Without evo there is no score, without matplotlib no trajectory.png;
    the summary says so.
    """
    sensor = configs.odometry.sensor
    folder.mkdir(parents=True, exist_ok=True)
    _write_trajectory(folder / "trajectory.txt", tracked)
    left_out: list[str] = []
    comparison = None
    if _write_ground_truth(folder / "groundtruth.txt", sequence, tracked):
        files = folder / "trajectory.txt", folder / "groundtruth.txt"
        with _without_extra(left_out, "no score"):
            comparison = compare_files(*files, with_scale=sensor == "mono")
    write_frame_table(folder, tracked.records)
    report = _report(sequence, configs, tracked, comparison)
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (folder / "trajectory.png").unlink(missing_ok=True)  # that of an earlier run
    with _without_extra(left_out, "no trajectory.png"):
        _plot(folder, f"{sequence.name}, {sensor}", sensor, comparison)
    return "\n".join([*_summary(report), *left_out, f"written: {folder}"])


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


def _write_trajectory(path: Path, tracked: TrackRun) -> None:
    tum_rows.write(
        path,
        [
            (record.stamp_ns, record.T_world_camera)
            for record in tracked.records
            if record.state is State.TRACKING and record.T_world_camera is not None
        ],
    )


def _write_ground_truth(path: Path, sequence: Sequence, tracked: TrackRun) -> bool:
    """Write the ground truth at the stamps of the frames; return whether there is any."""
    truth = sequence.ground_truth
    if truth is None:
        path.unlink(missing_ok=True)
        return False
    poses = [
        (record.stamp_ns, T_world_camera)
        for record in tracked.records
        if (T_world_camera := truth.at(record.stamp_ns)) is not None
    ]
    tum_rows.write(path, poses)
    return bool(poses)


def _plot(folder: Path, title: str, sensor: str, comparison: Comparison | None) -> None:
    if comparison is None:
        path = tum_rows.read(folder / "trajectory.txt")
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


def _summary(report: dict[str, Any]) -> list[str]:
    """Return lines for the screen: frames, latency, and the score where there is one."""
    frames, total_ms = report["frames"], report["latency_ms"]["total"]
    lines = [
        f"{report['sequence']['name']} {report['sensor']}: {frames['tracked']} of "
        f"{frames['total']} frames tracked, {frames['lost']} lost, "
        f"{frames['initialising']} initialising, {frames['skipped']} skipped",
        f"latency: median {total_ms['median']:.0f} ms, p99 {total_ms['p99']:.0f} ms per frame",
    ]
    score = report["score"]
    if score is not None:
        lines.append(
            f"ATE {score['ate_rmse_m']:.3f} m over {score['length_m']:.1f} m "
            f"({score['alignment']}, {score['num_pairs']} poses); RPE over "
            f"{score['rpe_frames']} frames {score['rpe_rmse_m']:.3f} m, "
            f"{score['rpe_rmse_deg']:.2f} deg"
        )
    return lines
