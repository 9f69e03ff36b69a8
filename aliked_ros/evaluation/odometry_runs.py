"""Runs of the odometry over a sequence -> their files and figures; finished runs are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.config import OdometryConfig, StereoConfig
from aliked_ros.datasets import FrameError, Sequence, tum_rows
from aliked_ros.datasets.disturbed import DisturbedSequence
from aliked_ros.evaluation.consistency import check_motions
from aliked_ros.evaluation.feature_cache import CachedExtractor
from aliked_ros.evaluation.odometry_features import FeatureChoice
from aliked_ros.evaluation.odometry_stages import ALL
from aliked_ros.evaluation.pair_errors import track_pairs
from aliked_ros.evaluation.recovery import recoveries
from aliked_ros.evaluation.run_report import FrameRecord, summarise
from aliked_ros.evaluation.trajectory import compare_files
from aliked_ros.odometry.pipeline import FramePipeline
from aliked_ros.odometry.result import State
from aliked_ros.odometry.rig import make_rig
from aliked_ros.odometry.visual_odometry import VisualOdometry

Clock = Callable[[], float]

UNDISTURBED = "none"
# What a finished run depends on: where this code changes, it is run again.
_CODE = (
    "odometry",
    "geometry",
    "matching.py",
    "datasets/disturbed.py",
    "evaluation/consistency.py",
    "evaluation/odometry_runs.py",
    "evaluation/pair_errors.py",
    "evaluation/recovery.py",
    "evaluation/trajectory.py",
    "synthetic",
)


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides the outcome of a run, beside the images.

    Attributes:
        sequence: what was asked for, a path or "synthetic".
        sensor: "mono", "stereo" or "rgbd".
        feature: kind of feature.
        disturbance: UNDISTURBED or a key of DISTURBANCES.
        odometry: its seed is the run's.
        stereo: the search for disparity.
        max_frames: from the first; None: all.
        rpe_frames: distance of the poses of the relative error; 0 takes about one second.
        disturbance_seed: of the disturbance; the same for all seeds of the odometry.
        is_pairs: each pair of neighbouring frames is a run of its own.
        detection_threshold: of ALIKED and ALIKE.
        stage: what `odometry` leaves of the method, by name.
    """

    sequence: str
    sensor: str
    feature: FeatureChoice
    disturbance: str
    odometry: OdometryConfig
    stereo: StereoConfig
    max_frames: int | None = None
    rpe_frames: int = 0
    disturbance_seed: int = 0
    is_pairs: bool = False
    detection_threshold: float = 0.2
    stage: str = ALL

    def folder(self, out: Path) -> Path:
        """Return where the files of the run are: readable, and one of its own for each spec."""
        identity = json.dumps([asdict(self), _source_digest()], sort_keys=True)
        name = Path(self.sequence).name or "sequence"
        feature = Path(self.feature.method).name
        parts = [name, self.sensor, self.disturbance, feature]
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        return out / "-".join([*parts, f"seed{self.odometry.seed}", digest])


def load_run(spec: RunSpec, out: Path) -> dict[str, Any] | None:
    """Return the figures of a finished run, or None; changed code makes it a new run."""
    path = spec.folder(out) / "run.json"
    if not path.is_file():
        return None
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def perform_runs(
    specs: list[RunSpec],
    sequence: Sequence,
    extract: CachedExtractor,
    out: Path,
    clock: Clock,
    on_frame: Callable[[str], None],
) -> None:
    """Run the odometry and write trajectory.txt, groundtruth.txt and, last, run.json of each run.

    Args:
        specs: what to do; they differ in `odometry` and `stage` alone, so that a frame is read or
            rendered once for all of them.
        sequence: undisturbed.
        extract: the features of all specs.
        out: folder of all runs.
        clock: returns seconds.
        on_frame: called after each frame of a run with a word about it.
    """
    first = specs[0]
    if first.disturbance != UNDISTURBED:
        sequence = DisturbedSequence(
            sequence, first.disturbance, first.disturbance_seed, first.max_frames
        )
    for spec in specs:
        spec.folder(out).mkdir(parents=True, exist_ok=True)
    if first.is_pairs:
        found = [_track_pairs(spec, sequence, extract, clock, on_frame) for spec in specs]
    else:
        found = _track(specs, sequence, extract, out, clock, on_frame)
    for spec, figures in zip(specs, found, strict=True):
        _finish(spec, sequence, figures, spec.folder(out))


def _finish(spec: RunSpec, sequence: Sequence, figures: dict[str, Any], folder: Path) -> None:
    """Write run.json, whole or not at all."""
    figures = {
        "sequence": sequence.name,
        "layout": sequence.layout,
        "sensor": spec.sensor,
        "disturbance": spec.disturbance,
        "feature": spec.feature.label,
        "stage": spec.stage,
        "seed": spec.odometry.seed,
        "config": asdict(spec),
        **figures,
    }
    unfinished = folder / "run.json.part"
    unfinished.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(folder / "run.json")


@cache
def _source_digest() -> str:
    """Return digits that change when the code that decides the outcome changes."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for place in _CODE:
        path = package / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def build_pipeline(
    spec: RunSpec, sequence: Sequence, extract: CachedExtractor, clock: Clock
) -> FramePipeline:
    """Return the pipeline of a run, at the beginning."""
    rig = make_rig(
        spec.sensor,
        sequence.require_camera(),
        sequence.right_camera,
        sequence.T_left_right,
        spec.stereo,
    )
    config = replace(spec.odometry, sensor=spec.sensor)
    odometry = VisualOdometry(config, spec.feature.matcher, rig.camera, rig.right_camera)
    return FramePipeline(rig, odometry, clock, extract)


def _track_pairs(
    spec: RunSpec,
    sequence: Sequence,
    extract: CachedExtractor,
    clock: Clock,
    on_frame: Callable[[str], None],
) -> dict[str, Any]:
    make = partial(build_pipeline, spec, sequence, extract, clock)
    return {"pairs": track_pairs(sequence, spec.sensor, spec.max_frames, make, on_frame)}


def _track(
    specs: list[RunSpec],
    sequence: Sequence,
    extract: CachedExtractor,
    out: Path,
    clock: Clock,
    on_frame: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Track the whole sequence with each configuration; return the figures of each."""
    sensor, limit = specs[0].sensor, specs[0].max_frames
    pipelines = [build_pipeline(spec, sequence, extract, clock) for spec in specs]
    records: list[list[FrameRecord]] = [[] for _ in specs]
    errors: list[FrameError] = []
    for frame in sequence.frames(sensor, limit=limit, on_error=errors.append):
        for pipeline, kept in zip(pipelines, records, strict=True):
            processed = pipeline.process(frame)
            # What the extraction took when it was not read from the disk.
            latencies_ms = processed.stages_ms | {"extract": extract.extraction_ms}
            latencies_ms["total"] = sum(latencies_ms.values())
            kept.append(FrameRecord.of(processed.result, latencies_ms))
            on_frame(processed.result.state.value)
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
