"""What a disturbance did to a run: how long it took to recover, and with what correction."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from aliked_ros.datasets.disturbed import Spell
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.evaluation.odometry.records import FrameRecord
from aliked_ros.geometry import se3
from aliked_ros.odometry.result import State
from aliked_ros.structs import Array

_WATCHED_FRAMES = 30  # after the recovery


@dataclass(frozen=True)
class Recovery:
    """How a run came through one disturbance.

    Attributes:
        start, stop: the disturbance, as in Spell.
        frames_until_tracking: from `stop` to the first frame that is tracked; 0 is at once, None
            is never.
        correction_m: the largest jump of the published pose: by how much it moves from one frame
            to the next beyond what the camera did, up to 30 tracked frames later (a lost keyframe
            may be found again); a pose that was held catches up with the camera by such a jump.
            None without ground truth.
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
    spells = tuple(spell for spell in spells if spell.start > 0)
    after = Spell(len(records), len(records))
    return [
        _recovery(records[: following.start], spell, truth, scale)
        for spell, following in pairwise((*spells, after))
    ]


def _recovery(
    records: list[FrameRecord], spell: Spell, truth: GroundTruth | None, scale: float
) -> Recovery:
    """Describe one recovery, with the records up to the next disturbance."""
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
        _largest_jump_m(records[found - 1 : found + _WATCHED_FRAMES], truth, scale),
        None if last is None else _motion_error_m(records[last], records[found], truth, scale),
        _path_m(records[: found + 1], truth),
    )


def _largest_jump_m(records: list[FrameRecord], truth: GroundTruth, scale: float) -> float | None:
    """Return the largest error of the motion between neighbouring frames."""
    errors_m = [_motion_error_m(*pair, truth, scale) for pair in pairwise(records)]
    return max((error_m for error_m in errors_m if error_m is not None), default=None)


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
