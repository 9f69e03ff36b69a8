"""KITTI odometry: calib.txt, times.txt, image_0/1 (grey) or image_2/3 (colour), poses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aliked_ros.datasets import camera_files, partners, stamps
from aliked_ros.datasets.ground_truth import GroundTruth, are_rotations, nearest_rigid
from aliked_ros.datasets.image_files import list_images, size_of_first
from aliked_ros.datasets.kitti_calibration import CalibrationRows, rectified_pair
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.file_sequence import Files, FileSequence
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.datasets.text_files import read_text
from aliked_ros.structs import Array, Index

DEFAULT_RATE_HZ = 10.0
_PAIRS = ((0, 1), (2, 3))


class KittiSequence(FileSequence):
    """A folder of the KITTI odometry benchmark, for example sequences/00."""

    layout = "kitti"
    looks_for = "image_0/ or image_2/ beside calib.txt (KITTI odometry)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return any((path / f"image_{left}").is_dir() for left, _ in _PAIRS)

    def __init__(self, path: Path, options: Options) -> None:
        left, right = next(pair for pair in _PAIRS if (path / f"image_{pair[0]}").is_dir())
        images = list_images(path / f"image_{left}")
        if not images:
            raise DatasetError(f"{path / f'image_{left}'} holds no images: unpack them there")
        named = [path / f"image_{right}" / image.name for image in images]
        rights = [file if file.is_file() else None for file in named]
        rows, size = CalibrationRows(path / "calib.txt"), size_of_first(images)
        cameras, T_camera0_left = Calibration(), np.eye(4)
        if f"P{left}" in rows and size is not None:
            cameras, T_camera0_left = rectified_pair(rows, (f"P{left}", f"P{right}"), size[::-1])
        cameras = camera_files.override(cameras, path, options)
        if cameras.camera is None:
            raise DatasetError(
                f"{path} has no calibration: calib.txt with a row P{left} is missing; put it "
                "there, or add a camera_info.yaml, or pass one with --camera-info"
            )
        stamps_ns, has_stamps = _stamps(path / "times.txt", images, options.rate_hz)
        super().__init__(
            path.resolve().name,
            stamps_ns,
            Files(images, rights),
            cameras,
            options,
            ground_truth=_ground_truth(path, images, stamps_ns, T_camera0_left),
            has_stamps=has_stamps,
            remarks=[
                partners.missing("right image", rights.count(None), len(images)),
                partners.counted(DEFAULT_RATE_HZ, has_stamps or bool(options.rate_hz)),
            ],
        )


def _rows_of(images: list[Path], num_rows: int) -> list[int]:
    """Return which row of a table belongs to each image.

    A subset of a sequence keeps either its file names or its tables: with one row per image the
    position counts, else the number in the name.
    """
    if num_rows == len(images) or not all(image.stem.isdigit() for image in images):
        return list(range(len(images)))
    return [int(image.stem) for image in images]


def _stamps(path: Path, images: list[Path], rate_hz: float) -> tuple[Index, bool]:
    if not path.is_file():
        return stamps.at_rate(len(images), rate_hz or DEFAULT_RATE_HZ), False
    try:
        times = [stamps.seconds_to_ns(text) for text in read_text(path).split()]
    except ValueError as error:
        raise DatasetError(f"{path}: {error}") from error
    rows = _rows_of(images, len(times))
    if max(rows) >= len(times):
        raise DatasetError(f"{path} has {len(times)} rows, image {images[-1].name} has none")
    return np.array([times[row] for row in rows], np.int64), True


def _ground_truth(
    path: Path,
    images: list[Path],
    stamps_ns: Index,
    T_camera0_left: Array,
) -> GroundTruth | None:
    # As the benchmark unpacks it, poses/NN.txt lies beside sequences/NN, which may be a link.
    places = [
        place.parent.parent / "poses" / f"{place.name}.txt"
        for place in (path.absolute(), path.resolve())
    ]
    file = next((file for file in (path / "poses.txt", *places) if file.is_file()), None)
    if file is None:
        return None
    try:
        T_world_camera0 = np.loadtxt(read_text(file).splitlines(), ndmin=2).reshape(-1, 3, 4)
    except ValueError as error:
        raise DatasetError(f"{file}: a row is a 3x4 matrix, 12 numbers ({error})") from error
    rows = [row for row in _rows_of(images, len(T_world_camera0)) if row < len(T_world_camera0)]
    T = np.tile(np.eye(4), (len(rows), 1, 1))
    T[:, :3] = T_world_camera0[rows]
    is_pose = np.isfinite(T).all(axis=(1, 2)) & are_rotations(T[:, :3, :3])
    truth = GroundTruth(
        stamps_ns[: len(rows)][is_pose], nearest_rigid(T[is_pose]), int((~is_pose).sum())
    )
    # The left camera's pose, T_world_left = T_world_camera0 @ T_camera0_left.
    return truth.moved_by(T_camera0_left)
