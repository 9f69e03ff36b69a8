"""Rows "NAME: numbers" of KITTI's calibration files -> rectified pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from aliked_ros.datasets import camera_files
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.datasets.text_files import read_text
from aliked_ros.geometry import se3
from aliked_ros.geometry.calibration import CalibrationFields, make_camera
from aliked_ros.geometry.camera import baseline_m
from aliked_ros.structs import Array, Camera


class CalibrationRows:
    """The rows of a calibration file by their names; none where there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = read_text(path).splitlines() if path.is_file() else []
        split = (line.partition(":") for line in lines)
        self._texts = {name.strip(): values for name, _, values in split}

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    def matrix(self, name: str, rows: int, columns: int) -> Array:
        """Return a row as a matrix (rows, columns).

        Raises:
            DatasetError: naming the file and the row, if it is missing or has other values.
        """
        if name not in self._texts:
            raise DatasetError(f"{self.path} has no row {name}: copy the whole file")
        try:
            values = np.array(self._texts[name].split(), np.float64)
            return values.reshape(rows, columns)
        except ValueError as error:
            raise DatasetError(
                f"{self.path}, row {name}: give {rows * columns} numbers ({error})"
            ) from error


def rectified_pair(
    rows: CalibrationRows, names: tuple[str, str], size: tuple[int, int]
) -> tuple[Calibration, Array]:
    """Return a rectified pair by the projections P = K [I | t_camera_0] of both cameras.

    Args:
        rows: that hold them.
        names: of the left and the right row, 12 numbers each; the right one may be missing.
        size: (width, height) of the images, px.

    Returns:
        the cameras, and T_camera0_left, (4, 4), metres.

    Raises:
        DatasetError: naming the file, the row and what is wrong.
    """
    left, right = names
    P_left = rows.matrix(left, 3, 4)
    camera = _camera(rows.path, left, P_left, size)
    # The cameras of the rectified set differ by a shift alone.
    t_left_0 = np.linalg.solve(camera.K, P_left[:, 3])
    T_camera0_left = se3.from_rotation_translation(np.eye(3), -t_left_0)
    if right not in rows:
        why = f"{rows.path} has no row {right}"
        return Calibration(camera, right_problem=why), T_camera0_left
    P_right = rows.matrix(right, 3, 4)
    right_camera = _camera(rows.path, right, P_right, size)
    try:
        baseline = baseline_m(replace(right_camera, P=P_right), replace(camera, P=P_left))
    except ValueError as error:
        raise DatasetError(f"{rows.path}, rows {left} and {right}: {error}") from error
    return Calibration(camera, camera_files.rectified_partner(camera, baseline)), T_camera0_left


def _camera(path: Path, name: str, P: Array, size: tuple[int, int]) -> Camera:
    """Return the rectified camera of a row; DatasetError unless it is the projection of one."""
    try:
        make_camera(CalibrationFields(*size, K=(), P=P), is_rectified=True)
    except ValueError as error:
        raise DatasetError(f"{path}, row {name}: {error}") from error
    return Camera(*size, P[:, :3])
