"""Any sequence -> a folder in the TUM RGB-D or the KITTI odometry layout."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from aliked_ros.datasets import camera_files, tum_rows
from aliked_ros.datasets.readers.tum import DEPTH_UNITS_PER_M
from aliked_ros.datasets.sequence import Sequence
from aliked_ros.datasets.stamps import ns_to_seconds
from aliked_ros.structs import AnyArray, Array, Floats


def write_tum(sequence: Sequence, folder: Path, limit: int | None = None) -> None:
    """Write images, depth where there is one, ground truth and camera_info.yaml.

    Depth is rounded to 0.2 mm and ends at 13.1 m, which is what the layout's 16 bits hold.
    """
    lists: dict[str, list[str]] = {"rgb": [], "depth": []}
    poses = []
    for frame in sequence.frames(limit=limit):
        stamp = ns_to_seconds(frame.stamp_ns)
        _save(folder / "rgb" / f"{stamp}.png", frame.image)
        lists["rgb"].append(f"{stamp} rgb/{stamp}.png")
        if frame.depth_m is not None:
            _save(folder / "depth" / f"{stamp}.png", _depth_units(frame.depth_m))
            lists["depth"].append(f"{stamp} depth/{stamp}.png")
        if frame.T_world_camera is not None:
            poses.append((frame.stamp_ns, frame.T_world_camera))
    for name, rows in lists.items():
        if rows:
            _save_lines(folder / f"{name}.txt", ["# timestamp filename", *rows])
    if poses:
        tum_rows.write(folder / "groundtruth.txt", poses)
    camera_files.write(folder / "camera_info.yaml", sequence.require_camera(), sequence.name)


def write_kitti(sequence: Sequence, folder: Path, limit: int | None = None) -> None:
    """Write a rectified stereo pair as image_2 and image_3 with calib.txt, times.txt, poses.txt.

    Poses are of camera 0, which is where the left camera is; stamps start at 0.
    """
    sequence.require("stereo")
    camera, right = sequence.require_camera(), sequence.right_camera
    if right is None or right.P is None or sequence.T_left_right is not None:
        raise ValueError(f"{sequence.name} is not rectified: the KITTI layout holds no distortion")
    P_left = np.column_stack([camera.K_rectified, np.zeros(3)])
    projections = (P_left, right.P, P_left, right.P)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"P{number}: {_numbers(P)}" for number, P in enumerate(projections)]
    _save_lines(folder / "calib.txt", rows)
    stamps_ns: list[int] = []
    poses: list[Array] = []
    for number, frame in enumerate(sequence.frames("stereo", limit=limit)):
        _save(folder / "image_2" / f"{number:06d}.png", frame.image)
        assert frame.right_image is not None
        _save(folder / "image_3" / f"{number:06d}.png", frame.right_image)
        stamps_ns.append(frame.stamp_ns)
        if frame.T_world_camera is not None:
            poses.append(frame.T_world_camera)
    times = [ns_to_seconds(stamp_ns - stamps_ns[0]) for stamp_ns in stamps_ns]
    _save_lines(folder / "times.txt", times)
    if len(poses) == len(times):
        _save_lines(folder / "poses.txt", [_numbers(T[:3]) for T in poses])


def _depth_units(depth_m: Floats) -> NDArray[np.uint16]:
    units = np.nan_to_num(depth_m * DEPTH_UNITS_PER_M)
    return np.asarray(np.round(np.where(units < 65535, units, 0)), np.uint16)


def _numbers(values: Array) -> str:
    return " ".join(f"{value:.12e}" for value in values.ravel())


def _save(path: Path, pixels: AnyArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    if not cv2.imwrite(str(path), stored):
        raise OSError(f"{path} cannot be written: check the folder's permissions and the disk")


def _save_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
