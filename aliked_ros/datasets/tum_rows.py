"""Trajectory files of TUM rows "stamp tx ty tz qx qy qz qw", read and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from aliked_ros.datasets import stamps
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.text_files import read_text
from aliked_ros.datasets.whole_files import write_whole
from aliked_ros.geometry.quaternions import to_quaternions, to_rotations
from aliked_ros.structs import Array, Index

HEADER = "# timestamp tx ty tz qx qy qz qw"


def read(path: Path) -> GroundTruth:
    """Return the stamped poses of a file, in the order of their stamps.

    Lines that start with # and rows whose numbers are not finite (a tracker that lost its target)
    are left out; fields may be separated by blanks or commas.

    Raises:
        ValueError: naming the file and the line that is not a row.
    """
    stamps_ns: list[int] = []
    rows: list[list[float]] = []
    for number, line in _lines(path):
        fields = line.replace(",", " ").split()
        try:
            row = [float(field) for field in fields[1:]]
            stamp_ns = stamps.seconds_to_ns(fields[0])
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        if len(row) != 7:
            raise ValueError(
                f"{path}, line {number}: {len(fields)} fields; a row is "
                "'stamp tx ty tz qx qy qz qw'"
            )
        stamps_ns.append(stamp_ns)
        rows.append(row)
    return from_rows(np.array(stamps_ns, np.int64), np.array(rows).reshape(-1, 7))


def from_rows(stamps_ns: Index, rows: Array) -> GroundTruth:
    """Return poses of (M,) stamps and (M, 7) rows tx ty tz qx qy qz qw, sorted by stamp.

    Rows that are not finite, or whose quaternion is 0, are left out.
    """
    is_pose = np.isfinite(rows).all(axis=1) & rows[:, 3:].any(axis=1)
    num_left_out = int((~is_pose).sum())
    stamps_ns, rows = stamps_ns[is_pose], rows[is_pose]
    keep = stamps.increasing(stamps_ns)
    T = np.tile(np.eye(4), (len(keep), 1, 1))
    if len(keep):
        T[:, :3, 3] = rows[keep, :3]
        T[:, :3, :3] = to_rotations(rows[keep, 3:])
    return GroundTruth(stamps_ns[keep], T, num_left_out)


def row(stamp_ns: int, T_world_camera: Array) -> str:
    """Return one TUM row; the quaternion's sign is chosen so that qw >= 0."""
    return _rows([stamp_ns], T_world_camera[None])[0]


def write(path: Path, poses: Iterable[tuple[int, Array]]) -> None:
    """Write stamped poses (stamp_ns, (4, 4) T_world_camera), one row each."""
    listed = list(poses)
    T = np.array([pose for _, pose in listed]).reshape(-1, 4, 4)
    lines = [HEADER, *_rows([stamp_ns for stamp_ns, _ in listed], T)]
    write_whole(path, ("\n".join(lines) + "\n").encode())


def _rows(stamps_ns: list[int], T_world_camera: Array) -> list[str]:
    """Return a row for each of M stamps and poses (M, 4, 4)."""
    if not stamps_ns:
        return []
    rotations = to_quaternions(T_world_camera[:, :3, :3])
    rotations[rotations[:, 3] < 0] *= -1
    values = np.hstack([T_world_camera[:, :3, 3], rotations])
    return [
        f"{stamps.ns_to_seconds(stamp_ns)} " + " ".join(f"{value:.9f}" for value in numbers)
        for stamp_ns, numbers in zip(stamps_ns, values.tolist(), strict=True)
    ]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield number, text
