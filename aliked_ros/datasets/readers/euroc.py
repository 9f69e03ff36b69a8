"""EuRoC ASL: mav0/cam0 and cam1 with data.csv and sensor.yaml, ground truth of the body."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets import camera_files, kalibr, partners, stamps, tum_rows
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.file_sequence import Files, FileSequence
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.datasets.text_files import read_text, read_yaml
from aliked_ros.geometry import se3
from aliked_ros.geometry.calibration import CalibrationFields, make_camera
from aliked_ros.structs import Array, Camera, Index

MAX_PAIR_OFFSET_NS = 5_000_000


class EurocSequence(FileSequence):
    """A folder that holds mav0/, or mav0/ itself."""

    layout = "euroc"
    looks_for = "mav0/cam0/data.csv and sensor.yaml (EuRoC ASL)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return (path / "mav0").is_dir() or (path / "cam0" / "sensor.yaml").is_file()

    def __init__(self, path: Path, options: Options) -> None:
        mav0 = path / "mav0" if (path / "mav0").is_dir() else path
        root = mav0.resolve().parent
        stamps_ns, images, repeated = _read_images(mav0 / "cam0")
        right_stamps_ns, right_images = np.zeros(0, np.int64), list[Path]()
        if (mav0 / "cam1" / "data.csv").is_file():
            right_stamps_ns, right_images, _ = _read_images(mav0 / "cam1")
        slop_ns = options.sync_slop_ns(MAX_PAIR_OFFSET_NS)
        pairs = stamps.nearest(stamps_ns, right_stamps_ns, slop_ns)
        cameras, T_body_camera = _cameras(mav0)
        cameras = camera_files.override(cameras, root, options)
        if cameras.camera is None:
            raise DatasetError(
                f"{mav0 / 'cam0' / 'sensor.yaml'} is missing: put the calibration there, or add "
                f"a camera_info.yaml or Kalibr's camchain.yaml to {root}, or pass one with "
                "--camera-info"
            )
        truth = _ground_truth(root, mav0)
        remarks = [repeated, partners.unpaired("right image", stamps_ns, right_stamps_ns, slop_ns)]
        super().__init__(
            root.name,
            stamps_ns,
            Files(images, [right_images[i] if i >= 0 else None for i in pairs]),
            cameras,
            options,
            ground_truth=None if truth is None else truth.moved_by(T_body_camera),
            remarks=remarks,
        )


def _read_images(camera_folder: Path) -> tuple[Index, list[Path], str]:
    """Return stamps and files of a camera's data.csv, in the order of time, and what to say."""
    path = camera_folder / "data.csv"
    stamps_ns, files = [], []
    for number, fields in _read_csv(path):
        if len(fields) < 2 or not fields[0].isdigit():
            raise DatasetError(f"{path}, line {number}: a row is 'stamp [ns],file', got {fields}")
        try:
            stamps_ns.append(stamps.whole_ns(fields[0]))
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}: {error}") from error
        files.append(camera_folder / "data" / fields[1])
    listed_ns = np.array(stamps_ns, np.int64)
    order, remark = partners.in_order(path, listed_ns)
    return listed_ns[order], [files[i] for i in order], remark


def _read_csv(path: Path) -> list[tuple[int, list[str]]]:
    """Return (line number, fields) of each row that is not a comment."""
    if not path.is_file():
        raise DatasetError(f"{path} is missing: a EuRoC sequence lists its images there")
    rows = [
        (number, [field.strip() for field in row])
        for number, row in enumerate(csv.reader(read_text(path).splitlines()), 1)
    ]
    return [(number, row) for number, row in rows if row and not row[0].startswith("#")]


def _cameras(mav0: Path) -> tuple[Calibration, Array]:
    """Return both cameras and T_body_camera of the left one."""
    left = _read_sensor(mav0 / "cam0" / "sensor.yaml")
    if left is None:
        return Calibration(), np.eye(4)
    camera, T_body_left = left
    right = _read_sensor(mav0 / "cam1" / "sensor.yaml")
    if right is None:
        return Calibration(camera), T_body_left
    right_camera, T_body_right = right
    return Calibration(camera, right_camera, se3.inverse(T_body_left) @ T_body_right), T_body_left


def _read_sensor(path: Path) -> tuple[Camera, Array] | None:
    """Return camera and T_body_camera of a sensor.yaml; None where there is no such file."""
    if not path.is_file():
        return None
    content = read_yaml(path)
    try:
        return _sensor(content)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise DatasetError(f"{path}: {reason}") from error


def _sensor(content: dict[str, Any]) -> tuple[Camera, Array]:
    kalibr.check_pinhole(str(content["camera_model"]))
    width, height = kalibr.resolution(content["resolution"])
    fields = CalibrationFields(
        width,
        height,
        kalibr.pinhole_matrix(content["intrinsics"]),
        str(content["distortion_model"]),
        content["distortion_coefficients"],
    )
    return make_camera(fields), kalibr.motion("T_BS", content["T_BS"]["data"])


def _ground_truth(root: Path, mav0: Path) -> GroundTruth | None:
    """Return the body's poses from whichever file there is."""
    rows = root / "groundtruth.txt"
    if rows.is_file():
        return tum_rows.read(rows)
    for folder in ("state_groundtruth_estimate0", "mocap0"):
        table = mav0 / folder / "data.csv"
        if table.is_file():
            return _read_body_poses(table)
    return None


def _read_body_poses(path: Path) -> GroundTruth:
    """Return the poses of a table "stamp [ns], position, quaternion with w first, ..."."""
    rows = _read_csv(path)
    try:
        stamps_ns = np.array([stamps.whole_ns(fields[0]) for _, fields in rows], np.int64)
        values = np.array([fields[1:8] for _, fields in rows], np.float64).reshape(-1, 7)
    except ValueError as error:
        raise DatasetError(
            f"{path}: a row is 'stamp [ns], px, py, pz, qw, qx, qy, qz, ...' ({error})"
        ) from error
    return tum_rows.from_rows(stamps_ns, values[:, [0, 1, 2, 4, 5, 6, 3]])
