"""KITTI raw: image_0N/data with timestamps.txt, calib_cam_to_cam.txt in the folder of the date."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import numpy as np

from aliked_ros.datasets import camera_files, partners, stamps
from aliked_ros.datasets.image_files import list_images, size_of_first
from aliked_ros.datasets.kitti_calibration import CalibrationRows, rectified_pair
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.file_sequence import Files, FileSequence
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.datasets.text_files import read_text
from aliked_ros.geometry import se3
from aliked_ros.geometry.calibration import CalibrationFields, make_camera
from aliked_ros.structs import Array, Camera, Index

DEFAULT_RATE_HZ = 10.0
MAX_PAIR_OFFSET_NS = 20_000_000
_CALIBRATION = "calib_cam_to_cam.txt"
_PAIRS = (("00", "01"), ("02", "03"))


class KittiRawSequence(FileSequence):
    """A drive of KITTI's raw data, rectified ("_sync") or as the cameras gave it ("_extract")."""

    layout = "kitti_raw"
    looks_for = "image_00/data/ or image_02/data/ (KITTI raw)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return any((path / f"image_{left}" / "data").is_dir() for left, _ in _PAIRS)

    def __init__(self, path: Path, options: Options) -> None:
        pair = next(pair for pair in _PAIRS if (path / f"image_{pair[0]}" / "data").is_dir())
        left, right = (path / f"image_{number}" for number in pair)
        images = list_images(left / "data")
        size = size_of_first(images)
        if size is None:
            raise DatasetError(f"{left / 'data'} holds no images: unpack them there")
        cameras = _cameras(_find_calibration(path), pair, (size[1], size[0]))
        cameras = camera_files.override(cameras, path, options)
        if cameras.camera is None:
            raise DatasetError(
                f"{path} has no calibration: {_CALIBRATION}, which lies in the folder of the date, "
                "is missing; put it there or beside the images, or pass a file with --camera-info"
            )
        stamps_ns, images, remark = _listed(left, images, options.rate_hz)
        has_stamps = (left / "timestamps.txt").is_file()
        right_ns, rights, right_remark = _listed(right, list_images(right / "data"), 0.0)
        slop_ns = options.sync_slop_ns(MAX_PAIR_OFFSET_NS)
        partner = stamps.nearest(stamps_ns, right_ns, slop_ns)
        super().__init__(
            path.resolve().name,
            stamps_ns,
            Files(images, [rights[i] if i >= 0 else None for i in partner]),
            cameras,
            options,
            has_stamps=has_stamps,
            remarks=[
                remark,
                right_remark,
                partners.unpaired("right image", stamps_ns, right_ns, slop_ns),
                partners.counted(DEFAULT_RATE_HZ, has_stamps or bool(options.rate_hz)),
                "oxts/ is not read: there is no ground truth" if (path / "oxts").is_dir() else "",
            ],
        )


def _find_calibration(path: Path) -> CalibrationRows:
    """Return the rows of the drive's calibration; none where there is no file."""
    folders = (path, path.absolute().parent, path.resolve().parent)
    files = [folder / _CALIBRATION for folder in folders]
    return CalibrationRows(next((file for file in files if file.is_file()), files[-1]))


def _cameras(rows: CalibrationRows, pair: tuple[str, str], size: tuple[int, int]) -> Calibration:
    """Return the cameras of images of a size (width, height), which tells whether they are raw."""
    if not rows.path.is_file():
        return Calibration()
    sizes = {
        name: tuple(np.rint(rows.matrix(f"{name}_{pair[0]}", 1, 2)[0]).astype(int).tolist())
        for name in ("S_rect", "S")
    }
    if size == sizes["S_rect"]:
        return rectified_pair(rows, (f"P_rect_{pair[0]}", f"P_rect_{pair[1]}"), size)[0]
    if size != sizes["S"]:
        raise DatasetError(
            f"the images are {size[0]}x{size[1]}, {rows.path} has S_rect_{pair[0]} "
            f"{sizes['S_rect'][0]}x{sizes['S_rect'][1]} for rectified and S_{pair[0]} "
            f"{sizes['S'][0]}x{sizes['S'][1]} for raw images: give the calibration of this date, "
            "or pass one of these images with --camera-info"
        )
    left = _raw_camera(rows, pair[0], size)
    if f"K_{pair[1]}" not in rows:
        return Calibration(left, right_problem=f"{rows.path} has no row K_{pair[1]}")
    T_0_left, T_0_right = (_motion_to_camera0(rows, number) for number in pair)
    return Calibration(left, _raw_camera(rows, pair[1], size), se3.inverse(T_0_left) @ T_0_right)


def _raw_camera(rows: CalibrationRows, number: str, size: tuple[int, int]) -> Camera:
    K, D = rows.matrix(f"K_{number}", 3, 3), rows.matrix(f"D_{number}", 1, 5)
    try:
        return make_camera(CalibrationFields(*size, K, "plumb_bob", D))
    except ValueError as error:
        raise DatasetError(f"{rows.path}, rows K_{number} and D_{number}: {error}") from error


def _motion_to_camera0(rows: CalibrationRows, number: str) -> Array:
    R_camera_0, t_camera_0 = rows.matrix(f"R_{number}", 3, 3), rows.matrix(f"T_{number}", 1, 3)
    T_camera_0 = se3.from_rotation_translation(R_camera_0, t_camera_0[0])
    try:
        return se3.inverse(se3.checked(T_camera_0, f"the motion of R_{number} and T_{number}"))
    except ValueError as error:
        raise DatasetError(f"{rows.path}: {error}") from error


def _listed(folder: Path, images: list[Path], rate_hz: float) -> tuple[Index, list[Path], str]:
    """Return stamps and files of a camera in the order of time, and what to say."""
    path = folder / "timestamps.txt"
    if not path.is_file():
        return stamps.at_rate(len(images), rate_hz or DEFAULT_RATE_HZ), images, ""
    times_ns = [_stamp_ns(path, *row) for row in enumerate(read_text(path).split("\n"), 1)]
    rows = [time_ns for time_ns in times_ns if time_ns is not None]
    numbers = [int(image.stem) if image.stem.isdigit() else -1 for image in images]
    positions = range(len(images)) if len(rows) == len(images) else numbers
    if images and not 0 <= min(positions) <= max(positions) < len(rows):
        raise DatasetError(f"{path} has {len(rows)} rows, image {images[-1].name} has none")
    listed_ns = np.array([rows[position] for position in positions], np.int64)
    order, remark = partners.in_order(path, listed_ns)
    return listed_ns[order], [images[i] for i in order], remark


def _stamp_ns(path: Path, number: int, text: str) -> int | None:
    """Return nanoseconds since 1970 of "2011-09-26 13:02:25.964389445"; None of an empty line."""
    if not text.strip():
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?", text.strip()):
        with suppress(ValueError):  # the 30th of February
            return int(np.datetime64(text.strip(), "ns").astype(np.int64))
    raise DatasetError(
        f"{path}, line {number}: a row is 'YYYY-MM-DD hh:mm:ss.nnnnnnnnn', got {text!r}"
    )
