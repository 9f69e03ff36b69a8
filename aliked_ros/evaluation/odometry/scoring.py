"""The poses of a run -> its files, and how far they are from the truth."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.evaluation.odometry.trajectory import compare_files
from aliked_ros.geometry import se3
from aliked_ros.structs import Array

StampedPoses = Sequence[tuple[int, Array]]  # stamp_ns, (4, 4) T_world_camera
_MIN_SPAN = 0.8  # of a run's time that its keyframes must lie in: else they say nothing of the rest


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


def score_corrected(
    folder: Path, poses: StampedPoses, keyframes: StampedPoses, sensor: str
) -> dict[str, Any] | None:
    """Write corrected.txt; return how far it is from groundtruth.txt beside it.

    Args:
        folder: of the run, with its ground truth.
        poses: all that were said, in order of time.
        keyframes: as they stand in the map at the end of the run, oldest first.
        sensor: "mono", "stereo" or "rgbd".

    Returns:
        ate_rmse_m; None where there is nothing to compare, or where the map holds only a part of
        the path.
    """
    moved = move_along(poses, keyframes)
    if not moved:
        return None
    tum_rows.write(folder / "corrected.txt", moved)
    files = folder / "corrected.txt", folder / "groundtruth.txt"
    comparison = compare_files(*files, with_scale=sensor == "mono")
    return None if comparison is None else {"ate_rmse_m": comparison.score.ate_rmse_m}


def move_along(poses: StampedPoses, keyframes: StampedPoses) -> list[tuple[int, Array]]:
    """Return poses moved along with the last keyframe before each, as far as that has moved.

    Args:
        poses: as they were said at the time, those of the keyframes among them.
        keyframes: as they stand at the end, oldest first; some have left the map.

    Returns:
        As many as there are; none where the keyframes do not lie in most of the time of the poses.
    """
    said = dict(poses)
    known = [(stamp_ns, T @ se3.inverse(said[stamp_ns])) for stamp_ns, T in keyframes
             if stamp_ns in said]  # fmt: skip
    if not known or known[-1][0] - known[0][0] < _MIN_SPAN * (poses[-1][0] - poses[0][0]):
        return []
    stamps_ns = [stamp_ns for stamp_ns, _ in known]
    # What was said before the first keyframe that is left goes along with that one.
    before = [max(bisect_right(stamps_ns, stamp_ns) - 1, 0) for stamp_ns, _ in poses]
    return [(stamp_ns, known[k][1] @ T) for k, (stamp_ns, T) in zip(before, poses, strict=True)]


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
