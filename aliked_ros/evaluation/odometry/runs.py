"""Runs of the odometry over a sequence -> their files and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets import FrameError, Sequence, tum_rows
from aliked_ros.datasets.disturbed import DisturbedSequence
from aliked_ros.evaluation.methods.cache import CachedExtractor
from aliked_ros.evaluation.odometry.consistency import check_motions
from aliked_ros.evaluation.odometry.pair_errors import track_pairs
from aliked_ros.evaluation.odometry.records import FrameRecord, Tracker, summarise
from aliked_ros.evaluation.odometry.recovery import recoveries
from aliked_ros.evaluation.odometry.run_spec import UNDISTURBED, RunSpec, store_run
from aliked_ros.evaluation.odometry.trajectory import compare_files
from aliked_ros.odometry.result import State

# Run and (disturbed) sequence -> the odometry at its beginning, with the features of the run.
MakeTracker = Callable[[RunSpec, Sequence], Tracker]


def perform_runs(
    specs: list[RunSpec],
    sequence: Sequence,
    extract: CachedExtractor,
    make_tracker: MakeTracker,
    out: Path,
    on_frame: Callable[[str], None],
) -> None:
    """Run the odometry and write trajectory.txt, groundtruth.txt and, last, run.json of each run.

    Args:
        specs: what to do; they differ in `odometry` and `stage` alone, so that a frame is read or
            rendered once for all of them.
        sequence: undisturbed.
        extract: the features of all specs.
        make_tracker: returns the odometry of a run, which extracts with `extract`.
        out: folder of all runs.
        on_frame: called after each frame of a run with what it was, to be shown.
    """
    first = specs[0]
    if first.disturbance != UNDISTURBED:
        sequence = DisturbedSequence(
            sequence, first.disturbance, first.disturbance_seed, first.max_frames
        )
    for spec in specs:
        spec.folder(out).mkdir(parents=True, exist_ok=True)
    if first.is_pairs:
        found = [_track_pairs(spec, sequence, make_tracker, on_frame) for spec in specs]
    else:
        found = _track(specs, sequence, extract, make_tracker, out, on_frame)
    names = {"sequence": sequence.name, "layout": sequence.layout}
    for spec, figures in zip(specs, found, strict=True):
        store_run(spec, out, names | spec.labels() | figures)


def _track_pairs(
    spec: RunSpec,
    sequence: Sequence,
    make_tracker: MakeTracker,
    on_frame: Callable[[str], None],
) -> dict[str, Any]:
    make = partial(make_tracker, spec, sequence)
    return {"pairs": track_pairs(sequence, spec.sensor, spec.max_frames, make, on_frame)}


def _track(
    specs: list[RunSpec],
    sequence: Sequence,
    extract: CachedExtractor,
    make_tracker: MakeTracker,
    out: Path,
    on_frame: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Track the whole sequence with each configuration; return the figures of each."""
    sensor, limit = specs[0].sensor, specs[0].max_frames
    trackers = [make_tracker(spec, sequence) for spec in specs]
    records: list[list[FrameRecord]] = [[] for _ in specs]
    errors: list[FrameError] = []
    for frame in sequence.frames(sensor, limit=limit, on_error=errors.append):
        for tracker, kept in zip(trackers, records, strict=True):
            tracked = tracker.process(frame)
            # What the extraction took when it was not read from the disk.
            latencies_ms = tracked.stages_ms | {"extract": extract.extraction_ms}
            latencies_ms["total"] = sum(latencies_ms.values())
            kept.append(FrameRecord.of(tracked.result, latencies_ms))
            on_frame(tracked.result.state.value)
    if not records[0]:
        raise ValueError(f"no frame of {sequence.name} could be read: {errors[0]}")
    return [
        _figures(spec, sequence, kept, len(errors), spec.folder(out))
        for spec, kept in zip(specs, records, strict=True)
    ]


def _figures(
    spec: RunSpec, sequence: Sequence, records: list[FrameRecord], num_skipped: int, folder: Path
) -> dict[str, Any]:
    """Return counts, latencies, score, consistency and recoveries of a run."""
    _write_trajectories(folder, sequence, records)
    score = _score(folder, spec)
    truth = sequence.ground_truth
    scale = score["scale"] if score and spec.sensor == "mono" else 1.0
    consistency = None if truth is None else check_motions(records, truth, scale)
    found = []
    if isinstance(sequence, DisturbedSequence) and not num_skipped:
        found = recoveries(records, sequence.spells, truth, scale)
    return {
        **summarise(records, num_skipped),
        "first_tracked": _first_tracked(records),
        "score": score,
        "consistency": consistency and asdict(consistency),
        "recoveries": [asdict(recovery) for recovery in found],
    }


def _first_tracked(records: list[FrameRecord]) -> int | None:
    """Return the first frame with a measured pose: how long the initialisation took."""
    is_tracked = [record.state is State.TRACKING for record in records]
    return is_tracked.index(True) if any(is_tracked) else None


def _write_trajectories(folder: Path, sequence: Sequence, records: list[FrameRecord]) -> None:
    truth = sequence.ground_truth
    true_poses, poses = [], []
    for record in records:
        T_world_camera = None if truth is None else truth.at(record.stamp_ns)
        if T_world_camera is not None:
            true_poses.append((record.stamp_ns, T_world_camera))
        if record.state is State.TRACKING and record.T_world_camera is not None:
            poses.append((record.stamp_ns, record.T_world_camera))
    tum_rows.write(folder / "groundtruth.txt", true_poses)
    tum_rows.write(folder / "trajectory.txt", poses)


def _score(folder: Path, spec: RunSpec) -> dict[str, Any] | None:
    """Return the score from the files, with the aligned paths for the plots; None without one.

    A single camera is aligned with its scale; for the others `ate_with_scale_m` tells how much of
    the error is scale.
    """
    files = folder / "trajectory.txt", folder / "groundtruth.txt"
    is_mono = spec.sensor == "mono"
    comparison = compare_files(*files, with_scale=is_mono, rpe_frames=spec.rpe_frames)
    scaled = comparison if is_mono else compare_files(*files, with_scale=True)
    if comparison is None or scaled is None:
        return None
    np.savez(
        folder / "aligned.npz",
        positions_m=comparison.positions_m,
        reference_m=comparison.reference_m,
    )
    return asdict(comparison.score) | {"ate_with_scale_m": scaled.score.ate_rmse_m}
