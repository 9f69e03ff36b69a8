"""The poses of a run -> its files, and how far they are from the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.evaluation.odometry.trajectory import compare_files
from aliked_ros.structs import Array

StampedPoses = Sequence[tuple[int, Array]]  # stamp_ns, (4, 4) T_world_camera
_MIN_SPAN = 0.8  # of a run's time that its keyframes must lie in: else they tell of a part of it


def score_trajectory(
    folder: Path, poses: StampedPoses, true_poses: StampedPoses, sensor: str, rpe_frames: int
) -> dict[str, Any] | None:
    """Write trajectory.txt and groundtruth.txt; return the score from the files.

    A single camera is aligned with its scale; for the others `ate_with_scale_m` tells how much of
    the error is scale. The aligned paths go into aligned.npz, for the plots.

    Args:
        folder: of the run.
        poses: as they were said at the time of each frame.
        true_poses: of the same camera.
        sensor: "mono", "stereo" or "rgbd".
        rpe_frames: distance of the poses of the relative error; 0 takes about one second.

    Returns:
        TrajectoryScore as a dict, and ate_with_scale_m; None where there is nothing to compare.
    """
    files = folder / "trajectory.txt", folder / "groundtruth.txt"
    for file, rows in zip(files, (poses, true_poses), strict=True):
        tum_rows.write(file, rows)
    is_mono = sensor == "mono"
    comparison = compare_files(*files, with_scale=is_mono, rpe_frames=rpe_frames)
    scaled = comparison if is_mono else compare_files(*files, with_scale=True)
    if comparison is None or scaled is None:
        return None
    np.savez(
        folder / "aligned.npz",
        positions_m=comparison.positions_m,
        reference_m=comparison.reference_m,
    )
    return asdict(comparison.score) | {"ate_with_scale_m": scaled.score.ate_rmse_m}


def score_keyframes(
    folder: Path, keyframes: StampedPoses, poses: StampedPoses, sensor: str
) -> dict[str, Any] | None:
    """Write keyframes.txt; return how far the keyframes are from groundtruth.txt beside it.

    Args:
        folder: of the run, with its ground truth.
        keyframes: as they stand in the map at the end of the run, oldest first.
        poses: all that were said, in order of time.
        sensor: "mono", "stereo" or "rgbd".

    Returns:
        num_pairs and ate_rmse_m; None where there is nothing to compare, or where the map holds
        only a part of the path: an error over less path is smaller.
    """
    tum_rows.write(folder / "keyframes.txt", keyframes)
    if not keyframes or _span_ns(keyframes) < _MIN_SPAN * _span_ns(poses):
        return None
    files = folder / "keyframes.txt", folder / "groundtruth.txt"
    comparison = compare_files(*files, with_scale=sensor == "mono")
    if comparison is None:
        return None
    score = comparison.score
    return {"num_pairs": score.num_pairs, "ate_rmse_m": score.ate_rmse_m}


def _span_ns(poses: StampedPoses) -> int:
    return poses[-1][0] - poses[0][0] if poses else 0


def true_poses_at(truth: GroundTruth | None, stamps_ns: Sequence[int]) -> list[tuple[int, Array]]:
    """Return the true poses at those of the stamps that have one."""
    if truth is None:
        return []
    poses = ((stamp_ns, truth.at(stamp_ns)) for stamp_ns in stamps_ns)
    return [(stamp_ns, pose) for stamp_ns, pose in poses if pose is not None]


def farthest_m(poses: StampedPoses) -> float | None:
    """Return how far the camera was from its first pose, at most; None without poses."""
    if not poses:
        return None
    positions = np.array([T_world_camera[:3, 3] for _, T_world_camera in poses])
    return float(np.linalg.norm(positions - positions[0], axis=1).max())
