"""What a disturbance did to a run: how long it took to recover, and with what correction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliked_ros.datasets.disturbed import Spell
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.evaluation.run_report import FrameRecord
from aliked_ros.geometry import se3
from aliked_ros.odometry.result import State

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """How a run came through one disturbance.

    Attributes:
        start, stop: the disturbance, as in Spell.
        frames_until_tracking: from `stop` to the first frame that is tracked; 0 is at once, None
            is never.
        correction_m: by how much the published pose moves at that frame beyond what the camera
            did since the frame before; None without ground truth or pose.
        error_m: error of the motion from the last tracked frame before the disturbance to that
            frame: what the trajectory keeps of it.
        path_m: length of the true path up to that frame.
    """

    start: int
    stop: int
    frames_until_tracking: int | None
    correction_m: float | None = None
    error_m: float | None = None
    path_m: float | None = None


def recoveries(
    records: list[FrameRecord], spells: tuple[Spell, ...], truth: GroundTruth | None, scale: float
) -> list[Recovery]:
    """Describe how a run came through each disturbance.

    Args:
        records: one per frame, none skipped.
        spells: the disturbances.
        truth: of the camera, or None.
        scale: metres per unit of the estimate: 1, or for a single camera what the alignment found.
    """
    return [_recovery(records, spell, truth, scale) for spell in spells if spell.start > 0]


def _recovery(
    records: list[FrameRecord], spell: Spell, truth: GroundTruth | None, scale: float
) -> Recovery:
    is_tracked = np.array([record.state is State.TRACKING for record in records])
    after = np.flatnonzero(is_tracked[spell.stop :])
    if len(after) == 0:
        return Recovery(spell.start, spell.stop, None)
    found = spell.stop + int(after[0])
    count = found - spell.stop
    if truth is None:
        return Recovery(spell.start, spell.stop, count)
    before = np.flatnonzero(is_tracked[: spell.start])
    last = int(before[-1]) if len(before) else None
    return Recovery(
        spell.start,
        spell.stop,
        count,
        _motion_error_m(records[found - 1], records[found], truth, scale),
        None if last is None else _motion_error_m(records[last], records[found], truth, scale),
        _path_m(records[: found + 1], truth),
    )


def _motion_error_m(
    record0: FrameRecord, record1: FrameRecord, truth: GroundTruth, scale: float
) -> float | None:
    """Return the error of the translation between two frames, seen from the first one."""
    true0, true1 = truth.at(record0.stamp_ns), truth.at(record1.stamp_ns)
    if record0.T_world_camera is None or record1.T_world_camera is None:
        return None
    if true0 is None or true1 is None:
        return None
    estimated = (se3.inverse(record0.T_world_camera) @ record1.T_world_camera)[:3, 3]
    return float(np.linalg.norm(scale * estimated - (se3.inverse(true0) @ true1)[:3, 3]))


def _path_m(records: list[FrameRecord], truth: GroundTruth) -> float:
    poses = [truth.at(record.stamp_ns) for record in records]
    positions: Array = np.array([pose[:3, 3] for pose in poses if pose is not None]).reshape(-1, 3)
    return float(np.linalg.norm(np.diff(positions, axis=0), axis=1).sum())
