"""Calibration files in ROS's camera_calibration format (camera_info.yaml) <-> Camera."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike

from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.geometry.camera import baseline_m
from aliked_ros.structs import Array, Camera

_MODEL_NAMES = {"": "none", "fisheye": "equidistant", "radtan": "plumb_bob"}


def find(folder: Path, camera_info: Path | None, name: str = "camera_info.yaml") -> Camera | None:
    """Return the camera of an explicit file, else of the folder's own file, else None."""
    if camera_info is not None:
        return read(camera_info)
    own = folder / name
    return read(own) if own.is_file() else None


def read(path: Path) -> Camera:
    """Return the camera that a camera_calibration YAML file describes.

    Raises:
        DatasetError: naming the file, the field and what it should be.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"calibration file {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"calibration file {path} is not YAML: {reason}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"calibration file {path} holds no fields: image_width and so on")
    try:
        return _camera(content)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise DatasetError(f"calibration file {path}: {reason}") from error


def write(path: Path, camera: Camera, name: str) -> None:
    """Write a camera in the camera_calibration format."""
    P = np.column_stack([camera.K, np.zeros(3)]) if camera.P is None else camera.P
    model = "plumb_bob" if camera.distortion_model == "none" else camera.distortion_model
    D = np.zeros((1, 5)) if camera.distortion_model == "none" else camera.D.reshape(1, -1)
    content = {
        "image_width": camera.width,
        "image_height": camera.height,
        "camera_name": name,
        "camera_matrix": _matrix(camera.K),
        "distortion_model": model,
        "distortion_coefficients": _matrix(D),
        "rectification_matrix": _matrix(camera.R),
        "projection_matrix": _matrix(P),
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def camera_from_fields(
    size: tuple[int, int],
    k: ArrayLike,
    model: str,
    d: ArrayLike,
    r: ArrayLike | None = None,
    p: ArrayLike | None = None,
) -> Camera:
    """Return the camera of CameraInfo's flat fields; a matrix of zeros counts as not given.

    Args:
        size: (width, height), px.
        k: 9 values, row-major.
        model: distortion model by ROS's or the field's name.
        d: distortion coefficients.
        r: 9 values, row-major, or None.
        p: 12 values, row-major, or None.
    """
    D = np.asarray(d, np.float64).ravel()
    R = np.zeros((3, 3)) if r is None else np.asarray(r, np.float64).reshape(3, 3)
    P = np.zeros((3, 4)) if p is None else np.asarray(p, np.float64).reshape(3, 4)
    if not D.any():
        model, D = "none", np.zeros(0)
    return Camera(
        int(size[0]),
        int(size[1]),
        np.asarray(k, np.float64).reshape(3, 3),
        _MODEL_NAMES.get(model, model),
        D,
        R if R.any() else np.eye(3),
        P if P[0, 0] else None,
    )


def _camera(content: dict[str, Any]) -> Camera:
    return camera_from_fields(
        (content["image_width"], content["image_height"]),
        content["camera_matrix"]["data"],
        str(content.get("distortion_model", "plumb_bob")),
        content.get("distortion_coefficients", {"data": []})["data"],
        content.get("rectification_matrix", {"data": None})["data"],
        content.get("projection_matrix", {"data": None})["data"],
    )


def _matrix(values: Array) -> dict[str, Any]:
    rows, cols = values.shape
    return {"rows": rows, "cols": cols, "data": [float(value) for value in values.ravel()]}


def override(layout: Calibration, folder: Path, camera_info: Path | None) -> Calibration:
    """Put a camera_info.yaml, given or lying in the folder, in place of a layout's own cameras.

    A right camera is overridden by the folder's camera_info_right.yaml. Without that file the
    right camera of a rectified pair follows the left one and keeps the baseline.
    """
    camera = find(folder, camera_info) or layout.camera
    right = find(folder, None, "camera_info_right.yaml")
    if right is not None:
        rectified = right.P is not None and right.P[0, 3] < 0
        return Calibration(camera, right, None if rectified else layout.T_left_right)
    right = layout.right_camera
    if (
        camera is None
        or right is None
        or camera is layout.camera
        or layout.T_left_right is not None
    ):
        return Calibration(camera, right, layout.T_left_right)
    return Calibration(camera, rectified_partner(camera, baseline_m(right)), None)


def rectified_partner(camera: Camera, baseline_m: float) -> Camera:
    """Return the right camera of a rectified pair of equal cameras."""
    P = np.column_stack([camera.K_rectified, np.zeros(3)])
    P[0, 3] = -P[0, 0] * baseline_m
    return replace(camera, P=P)
