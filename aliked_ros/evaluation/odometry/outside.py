"""Trajectory files from outside, of any odometry: read, checked, and scored like runs of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.config import SENSORS
from aliked_ros.datasets import GroundTruth, Sequence, stamps, tum_rows
from aliked_ros.evaluation.odometry.run_spec import UNDISTURBED
from aliked_ros.evaluation.odometry.scoring import (
    farthest_m,
    score_trajectory,
    true_poses_at,
)
from aliked_ros.structs import Array, Index

_MAX_DIFFERENCE_NS = 20_000_000  # of the stamps of a frame and its pose


@dataclass(frozen=True)
class OutsideFile:
    """A trajectory file of an odometry that is not ours.

    Attributes:
        path: the file.
        name: names it in tables; files of one name, sensor and sequence are runs of one odometry.
        sensor: what it used; empty: what its sequence is run with.
        sequence: name of the sequence; empty: the only one.
    """

    path: Path
    name: str
    sensor: str = ""
    sequence: str = ""

    @classmethod
    def parse(cls, text: str) -> OutsideFile:
        """Return the file of "NAME[:SENSOR][@SEQUENCE]=FILE".

        Raises:
            ValueError: naming what is wrong.
        """
        label, _, path = text.partition("=")
        label, _, sequence = label.partition("@")
        name, _, sensor = label.partition(":")
        if not name or not path:
            raise ValueError(f"trajectory {text!r}: write NAME[:SENSOR][@SEQUENCE]=FILE")
        if Path(name).name != name:
            raise ValueError(f"trajectory {text!r}: {name!r} is no name of a folder: write a word")
        if sensor and sensor not in SENSORS:
            raise ValueError(
                f"trajectory {text!r}: sensor is {sensor!r}: must be one of {', '.join(SENSORS)}"
            )
        return cls(Path(path), name, sensor, sequence)


@dataclass(frozen=True, eq=False)
class OutsideRun:
    """What an odometry from outside said about the frames of a sequence.

    Attributes:
        name, sensor: of the odometry.
        seed: counts the runs of one odometry over one sequence.
        sequence: the frames.
        stamps_ns: (N,) of the frames that are judged.
        poses: (stamp_ns, (4, 4) T_world_camera), one for each frame that was answered.
    """

    name: str
    sensor: str
    seed: int
    sequence: Sequence
    stamps_ns: Index
    poses: list[tuple[int, Array]]


def open_outside(
    files: list[OutsideFile], sequences: list[tuple[Sequence, list[str]]], max_frames: int | None
) -> list[OutsideRun]:
    """Read what files say about sequences.

    Args:
        files: what was asked for.
        sequences: each with the sensors that it is run with.
        max_frames: of a sequence that are judged, from the first; None: all.

    Raises:
        ValueError: if a file cannot be read, or is not of one sequence and sensor.
    """
    found: list[OutsideRun] = []
    for file in files:
        sequence, sensor = _belonging(file, sequences)
        stamps_ns = sequence.stamps_ns[:max_frames]
        poses = _answers(file.path, _read(file.path), stamps_ns, sequence.name)
        key = file.name, sensor, sequence.name
        seed = sum((run.name, run.sensor, run.sequence.name) == key for run in found)
        found.append(OutsideRun(file.name, sensor, seed, sequence, stamps_ns, poses))
    return found


def _belonging(
    file: OutsideFile, sequences: list[tuple[Sequence, list[str]]]
) -> tuple[Sequence, str]:
    """Return the sequence and the sensor that a file is judged with."""
    named = [one for one in sequences if file.sequence in ("", one[0].name)]
    names = ", ".join(sequence.name for sequence, _ in sequences)
    if not named:
        raise ValueError(
            f"trajectory {file.name}: its sequence is {file.sequence!r}: not in {names}"
        )
    if len(named) > 1:
        raise ValueError(
            f"trajectory {file.name}: the sequences are {names}: say which of them it is of, "
            f"{file.name}@SEQUENCE=FILE"
        )
    ((sequence, sensors),) = named
    of_sequence = f"trajectory {file.name}: {sequence.name} is run with {', '.join(sensors)}"
    if file.sensor and file.sensor not in sensors:
        raise ValueError(f"{of_sequence}, not with {file.sensor}: add it to --sensors")
    if not file.sensor and len(sensors) > 1:
        raise ValueError(f"{of_sequence}: say which of them it used, {file.name}:SENSOR=FILE")
    return sequence, file.sensor or sensors[0]


def _read(path: Path) -> GroundTruth:
    if not path.is_file():
        raise ValueError(
            f"trajectory {path}: there is no such file; it must hold rows "
            "'stamp tx ty tz qx qy qz qw', seconds and metres, T_world_camera"
        )
    poses = tum_rows.read(path)
    if len(poses) == 0:
        raise ValueError(
            f"trajectory {path}: it holds no pose; a row is 'stamp tx ty tz qx qy qz qw'"
        )
    return poses


def _answers(
    path: Path, poses: GroundTruth, stamps_ns: Index, sequence: str
) -> list[tuple[int, Array]]:
    """Return the poses that belong to a frame, at their own stamps."""
    tolerance_ns = _MAX_DIFFERENCE_NS
    if len(stamps_ns) > 1:
        tolerance_ns = min(tolerance_ns, int(np.median(np.diff(stamps_ns))) // 2)
    partner = stamps.nearest(stamps_ns, poses.stamps_ns, tolerance_ns)
    chosen = partner[partner >= 0]
    if len(chosen) == 0:
        raise ValueError(
            f"trajectory {path}: no pose is within {tolerance_ns / 1e6:.0f} ms of a frame of "
            f"{sequence}; its stamps are {_span(poses.stamps_ns)}, the frames' "
            f"{_span(stamps_ns)}: write the stamps of the frames, in seconds"
        )
    answered = zip(poses.stamps_ns[chosen].tolist(), poses.T_world_camera[chosen], strict=True)
    return list(answered)


def _span(stamps_ns: Index) -> str:
    return " to ".join(f"{stamps.ns_to_seconds(int(stamps_ns[at]))} s" for at in (0, -1))


def judge(runs: Iterable[OutsideRun], out: Path, rpe_frames: int) -> list[dict[str, Any]]:
    """Write the files of runs; return their figures, those that runs of ours have as well.

    Args:
        runs: from outside.
        out: folder of all runs.
        rpe_frames: distance of the poses of the relative error; 0 takes about one second.
    """
    return [_judge(run, folder_of(run, out), rpe_frames) for run in runs]


def folder_of(run: OutsideRun, out: Path) -> Path:
    """Return where the files of a run are."""
    return out / "-".join(["outside", run.sequence.name, run.sensor, run.name, f"run{run.seed}"])


def _judge(run: OutsideRun, folder: Path, rpe_frames: int) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    true_poses = true_poses_at(run.sequence.ground_truth, [stamp_ns for stamp_ns, _ in run.poses])
    return {
        "sequence": run.sequence.name,
        "layout": run.sequence.layout,
        "sensor": run.sensor,
        "disturbance": UNDISTURBED,
        "configuration": "",
        "method": run.name,
        "seed": run.seed,
        "frames": {
            "total": len(run.stamps_ns),
            "tracked": len(run.poses),
            "lost": len(run.stamps_ns) - len(run.poses),
        },
        "score": score_trajectory(folder, run.poses, true_poses, run.sensor, rpe_frames),
        "farthest_m": farthest_m(run.poses),
    }
