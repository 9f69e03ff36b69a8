"""A sequence written as a folder in the KITTI odometry layout, to be read back and played."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from aliked_ros.datasets import Sequence
from aliked_ros.datasets.stamps import ns_to_seconds


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
    stamps_ns, poses = [], []
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


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.12e}" for value in values.ravel())


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    assert cv2.imwrite(str(path), stored)


def _save_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
