"""An estimated trajectory file against ground truth: alignment, ATE and RPE by evo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.extras import require
from aliked_ros.geometry.quaternions import to_quaternions
from aliked_ros.structs import Array, Index

MAX_STAMP_DIFFERENCE_S = 0.02
MIN_PAIRS = 3


@dataclass(frozen=True)
class TrajectoryScore:
    """How far an estimate is from ground truth, over the poses that both have.

    Attributes:
        num_poses: poses of the estimate.
        num_pairs: poses that found a partner in the ground truth, by stamp.
        length_m: path length of the ground truth over those poses.
        alignment: "SE(3)" or "Sim(3)" (least squares over all pairs); "first pose" where the path
            does not determine a rotation: no motion, or motion along one line.
        scale: factor that the alignment put on the estimate; 1 unless "Sim(3)".
        ate_rmse_m, ate_median_m, ate_max_m: distance of aligned positions.
        rpe_frames: how many poses apart the relative motions are.
        rpe_rmse_m, rpe_rmse_deg: error of the relative motion, over all such pairs.
    """

    num_poses: int
    num_pairs: int
    length_m: float
    alignment: str
    scale: float
    ate_rmse_m: float
    ate_median_m: float
    ate_max_m: float
    rpe_frames: int
    rpe_rmse_m: float
    rpe_rmse_deg: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """A score with the aligned paths that it belongs to.

    Attributes:
        score: the figures.
        stamps_ns: (K,) int64, nanoseconds.
        positions_m: (K, 3) aligned estimate in the ground truth's frame.
        reference_m: (K, 3) ground truth.
    """

    score: TrajectoryScore
    stamps_ns: Index
    positions_m: Array
    reference_m: Array


def compare_files(
    estimate: Path, ground_truth: Path, *, with_scale: bool, rpe_frames: int = 0
) -> Comparison | None:
    """Score a TUM trajectory file against another.

    Args:
        estimate: TUM rows, T_world_camera in a world of its own.
        ground_truth: TUM rows of the same camera.
        with_scale: align with Sim(3), for monocular estimates; else SE(3).
        rpe_frames: distance of the poses of the relative error; 0 takes about one second.

    Returns:
        None where fewer than three poses have a partner within 20 ms.

    Raises:
        MissingPackageError: without evo.
    """
    require("evo", extra="evaluation", feature="scoring a trajectory (ATE, RPE)")
    reference, estimated = tum_rows.read(ground_truth), tum_rows.read(estimate)
    if min(len(reference), len(estimated)) < MIN_PAIRS:
        return None
    return _compare(reference, estimated, with_scale, rpe_frames)


def _compare(
    reference: GroundTruth, estimated: GroundTruth, with_scale: bool, rpe_frames: int
) -> Comparison | None:
    from evo.core import sync

    start_ns = min(int(reference.stamps_ns[0]), int(estimated.stamps_ns[0]))
    try:
        matched_reference, matched = sync.associate_trajectories(
            _to_evo(reference, start_ns),
            _to_evo(estimated, start_ns),
            max_diff=MAX_STAMP_DIFFERENCE_S,
        )
    except sync.SyncException:
        return None
    if matched.num_poses < MIN_PAIRS:
        return None
    alignment, scale = _align(matched, matched_reference, with_scale)
    frames = rpe_frames or _frames_per_second(matched.timestamps)
    frames = min(frames, matched.num_poses - 1)
    ate_m = _absolute_error(matched_reference, matched)
    score = TrajectoryScore(
        num_poses=len(estimated),
        num_pairs=int(matched.num_poses),
        length_m=float(matched_reference.path_length),
        alignment=alignment,
        scale=scale,
        ate_rmse_m=ate_m["rmse"],
        ate_median_m=ate_m["median"],
        ate_max_m=ate_m["max"],
        rpe_frames=frames,
        rpe_rmse_m=_relative_error(matched_reference, matched, frames, "translation_part"),
        rpe_rmse_deg=_relative_error(matched_reference, matched, frames, "rotation_angle_deg"),
    )
    stamps_ns = np.round(matched.timestamps * 1e9).astype(np.int64) + start_ns
    return Comparison(score, stamps_ns, matched.positions_xyz, matched_reference.positions_xyz)


def _to_evo(poses: GroundTruth, start_ns: int) -> Any:
    from evo.core.trajectory import PoseTrajectory3D

    quaternions = to_quaternions(poses.T_world_camera[:, :3, :3])
    return PoseTrajectory3D(
        positions_xyz=poses.T_world_camera[:, :3, 3].copy(),
        orientations_quat_wxyz=quaternions[:, [3, 0, 1, 2]],
        # Seconds since the start: a float64 of seconds since 1970 has lost the last digits.
        timestamps=(poses.stamps_ns - start_ns) * 1e-9,
    )


def _align(estimated: Any, reference: Any, with_scale: bool) -> tuple[str, float]:
    """Align the estimate in place; return which way and the scale."""
    from evo.core.geometry import GeometryException

    try:
        _, _, scale = estimated.align(reference, correct_scale=with_scale)
    except GeometryException:
        estimated.align_origin(reference)
        return "first pose", 1.0
    return ("Sim(3)", float(scale)) if with_scale else ("SE(3)", 1.0)


def _frames_per_second(timestamps_s: Array) -> int:
    gap_s = float(np.median(np.diff(timestamps_s)))
    return max(round(1.0 / gap_s), 1)


def _absolute_error(reference: Any, estimated: Any) -> dict[str, float]:
    from evo.core import metrics

    ape = metrics.APE(metrics.PoseRelation.translation_part)
    ape.process_data((reference, estimated))
    return {name: float(value) for name, value in ape.get_all_statistics().items()}


def _relative_error(reference: Any, estimated: Any, frames: int, relation: str) -> float:
    """Return the root mean square of a relative error over all pairs some frames apart."""
    from evo.core import metrics
    from evo.core.units import Unit

    rpe = metrics.RPE(
        metrics.PoseRelation[relation], delta=frames, delta_unit=Unit.frames, all_pairs=True
    )
    rpe.process_data((reference, estimated))
    return float(rpe.get_statistic(metrics.StatisticsType.rmse))
