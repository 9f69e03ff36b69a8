"""Runs of the odometry over a sequence -> their files and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from aliked_ros.datasets import FrameError, Sequence
from aliked_ros.datasets.disturbed import DisturbedSequence
from aliked_ros.evaluation.methods.cache import CachedExtractor
from aliked_ros.evaluation.odometry.consistency import check_motions
from aliked_ros.evaluation.odometry.pair_errors import track_pairs
from aliked_ros.evaluation.odometry.records import FrameRecord, MapHolder, Tracker, summarise
from aliked_ros.evaluation.odometry.recovery import recoveries
from aliked_ros.evaluation.odometry.run_spec import UNDISTURBED, RunSpec, store_run
from aliked_ros.evaluation.odometry.scoring import (
    farthest_m,
    score_corrected,
    score_trajectory,
    true_poses_at,
)
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
    """Run the odometry and write the poses, the truth and, last, run.json of each run.

    Args:
        specs: what to do; they differ in `odometry` and its name alone, so that a frame is read or
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
            latencies_ms["odometry"] = latencies_ms["match"] + latencies_ms["estimate"]
            kept.append(FrameRecord.of(tracked.result, latencies_ms))
            on_frame(tracked.result.state.value)
    if not records[0]:
        raise ValueError(f"no frame of {sequence.name} could be read: {errors[0]}")
    return [
        _figures(spec, sequence, kept, len(errors), tracker.odometry, spec.folder(out))
        for spec, kept, tracker in zip(specs, records, trackers, strict=True)
    ]


def _figures(
    spec: RunSpec,
    sequence: Sequence,
    records: list[FrameRecord],
    num_skipped: int,
    odometry: MapHolder,
    folder: Path,
) -> dict[str, Any]:
    """Return counts, latencies, score, map, consistency and recoveries of a run."""
    truth = sequence.ground_truth
    poses = [
        (record.stamp_ns, record.T_world_camera)
        for record in records
        if record.state is State.TRACKING and record.T_world_camera is not None
    ]
    true_poses = true_poses_at(truth, [record.stamp_ns for record in records])
    score = score_trajectory(folder, poses, true_poses, spec.sensor, spec.rpe_frames)
    keyframes = odometry.keyframes()
    scale = score["scale"] if score and spec.sensor == "mono" else 1.0
    consistency = None if truth is None else check_motions(records, truth, scale)
    found = []
    if isinstance(sequence, DisturbedSequence) and not num_skipped:
        found = recoveries(records, sequence.spells, truth, scale)
    return {
        **summarise(records, num_skipped),
        "first_tracked": _first_tracked(records),
        "score": score,
        "farthest_m": farthest_m(poses),
        "map": {"keyframes": len(keyframes), "landmarks": len(odometry.landmarks()[0])},
        "corrected": score_corrected(folder, poses, keyframes, spec.sensor),
        "consistency": consistency and asdict(consistency),
        "recoveries": [asdict(recovery) for recovery in found],
    }


def _first_tracked(records: list[FrameRecord]) -> int | None:
    """Return the first frame with a measured pose: how long the initialisation took."""
    is_tracked = [record.state is State.TRACKING for record in records]
    return is_tracked.index(True) if any(is_tracked) else None
