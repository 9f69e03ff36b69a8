"""Calibration files -> Camera: ROS's camera_info.yaml, CameraInfo messages, Kalibr's camchain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from aliked_ros.datasets import kalibr
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.datasets.text_files import read_yaml
from aliked_ros.geometry.calibration import CalibrationFields, Region, make_camera
from aliked_ros.geometry.camera import baseline_m
from aliked_ros.structs import Array, Camera


def read(path: Path, *, is_rectified: bool = False) -> Camera:
    """Return the camera that a file describes; of Kalibr's, the first one; see `read_all`."""
    camera = read_all(path, is_rectified=is_rectified).camera
    assert camera is not None
    return camera


def read_all(path: Path, *, is_rectified: bool = False) -> Calibration:
    """Return the cameras that a file describes.

    Args:
        path: YAML of ROS's camera_calibration, of a CameraInfo message, or of Kalibr.
        is_rectified: whether the images are rectified already, so that P alone counts.

    Raises:
        DatasetError: naming the file, the field and what it should be.
    """
    content = read_yaml(path)
    try:
        if kalibr.is_camchain(content):
            return kalibr.read_cameras(content)
        return Calibration(make_camera(_fields(content), is_rectified=is_rectified))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
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


def _fields(content: dict[str, Any]) -> CalibrationFields:
    """Return the fields of camera_calibration's YAML, or of a CameraInfo message."""
    if "camera_matrix" not in content and {"k", "K"} & content.keys():
        return _message_fields(content)
    if "camera_matrix" not in content:
        raise KeyError("camera_matrix")
    return CalibrationFields(
        _whole(content, "image_width"),
        _whole(content, "image_height"),
        _numbers(content, "camera_matrix"),
        str(content.get("distortion_model") or "plumb_bob"),
        _numbers(content, "distortion_coefficients"),
        _numbers(content, "rectification_matrix"),
        _numbers(content, "projection_matrix"),
    )


def _whole(content: dict[str, Any], name: str) -> int:
    """Return a whole number; ValueError naming the field if it is none."""
    value = content[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise ValueError(f"{name} is {value!r}: give a whole number")
    return int(value)


def _numbers(content: dict[str, Any], name: str) -> Array:
    """Return the numbers of a matrix {rows, cols, data}, or of a list; none where it is not.

    Raises:
        ValueError: naming the field, if these are no numbers, or not as many as rows and cols say.
    """
    given = content.get(name)
    values = given.get("data") if isinstance(given, dict) else given
    try:
        numbers = np.asarray([] if values is None else values, np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {values!r}: give a list of numbers ({error})") from error
    if isinstance(given, dict) and {"rows", "cols"} <= given.keys():
        rows, cols = _whole(given, "rows"), _whole(given, "cols")
        if rows * cols != len(numbers):
            raise ValueError(
                f"{name} has {len(numbers)} values, its rows and cols say {rows}x{cols}: mend one "
                "of them"
            )
    return numbers


def _message_fields(content: dict[str, Any]) -> CalibrationFields:
    """Return the fields of a message as `ros2 topic echo` prints it; ROS 1 wrote capitals."""
    fields = {name.lower(): value for name, value in content.items()}
    roi = fields.get("roi", {})
    region = Region(
        *(int(roi.get(name, 0)) for name in ("x_offset", "y_offset", "width", "height"))
    )
    return CalibrationFields(
        _whole(fields, "width"),
        _whole(fields, "height"),
        _numbers(fields, "k"),
        str(fields.get("distortion_model") or "plumb_bob"),
        _numbers(fields, "d"),
        _numbers(fields, "r"),
        _numbers(fields, "p"),
        (int(fields.get("binning_x", 0)), int(fields.get("binning_y", 0))),
        region,
    )


def _matrix(values: Array) -> dict[str, Any]:
    rows, cols = values.shape
    return {"rows": rows, "cols": cols, "data": [float(value) for value in values.ravel()]}


def override(layout: Calibration, folder: Path, options: Options) -> Calibration:
    """Put a calibration file, given or lying in the folder, in place of a layout's own cameras.

    The folder's file is camera_info.yaml; Kalibr's camchain is taken where nothing else tells.
    A right camera is overridden by the folder's camera_info_right.yaml, or by cam1 of Kalibr's
    file. Without these the right camera of a rectified pair follows the left one and keeps the
    baseline.
    """
    given = _given(layout, folder, options)
    camera = layout.camera if given is None else given.camera
    if given is not None and given.right_camera is not None:
        return given
    right_file = folder / "camera_info_right.yaml"
    if right_file.is_file():
        right = read(right_file, is_rectified=bool(options.rectified_images))
        is_pair = right.P is not None and _shift(right) != (
            0.0 if camera is None else _shift(camera)
        )
        return Calibration(camera, right, None if is_pair else layout.T_left_right)
    right_camera = layout.right_camera
    if given is None or right_camera is None or camera is None or layout.T_left_right is not None:
        return replace(layout, camera=camera, problem="" if camera else layout.problem)
    baseline = baseline_m(right_camera, layout.camera)
    return Calibration(camera, rectified_partner(camera, baseline))


def rectified_partner(camera: Camera, baseline_m: float) -> Camera:
    """Return the right camera of a rectified pair of equal cameras."""
    P = np.column_stack([camera.K, np.zeros(3)]) if camera.P is None else camera.P.copy()
    P[0, 3] -= P[0, 0] * baseline_m
    return replace(camera, P=P)


def _given(layout: Calibration, folder: Path, options: Options) -> Calibration | None:
    """Return what the file that counts says, or None where there is no file."""
    is_rectified = bool(options.rectified_images)
    own = folder / "camera_info.yaml"
    path = options.camera_info or (own if own.is_file() else None)
    if path is None and layout.camera is None:
        chains = sorted(folder.glob("*camchain*.yaml")) if folder.is_dir() else []
        path = chains[0] if len(chains) == 1 else None
    return None if path is None else read_all(path, is_rectified=is_rectified)


def _shift(camera: Camera) -> float:
    """Return P[0, 3], px m."""
    return 0.0 if camera.P is None else float(camera.P[0, 3])
