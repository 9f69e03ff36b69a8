"""Kalibr's calibration of one or two cameras (camchain.yaml) -> Calibration."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliked_ros.datasets.sequence import Calibration
from aliked_ros.geometry import se3
from aliked_ros.geometry.calibration import CalibrationFields, make_camera
from aliked_ros.structs import Array, Camera


def is_camchain(content: dict[str, Any]) -> bool:
    """Return whether the fields of a YAML file are Kalibr's."""
    return isinstance(content.get("cam0"), dict)


def read_cameras(content: dict[str, Any]) -> Calibration:
    """Return cam0 as the (left) camera, and cam1 as the right one where there is one.

    Raises:
        KeyError: a field is missing.
        ValueError: naming the camera, the field and its value.
    """
    camera = _camera("cam0", content["cam0"])
    if "cam1" not in content:
        return Calibration(camera)
    right = content["cam1"]
    T_right_left = motion("cam1: T_cn_cnm1", right["T_cn_cnm1"])
    return Calibration(camera, _camera("cam1", right), se3.inverse(T_right_left))


def pinhole_matrix(values: Any) -> Array:
    """Return K of the four intrinsics fx, fy, cx, cy.

    Raises:
        ValueError: if there are not four.
    """
    numbers = np.asarray(values, np.float64).ravel()
    if numbers.size != 4:
        raise ValueError(f"intrinsics has {numbers.size} values: give fx, fy, cx, cy")
    fx, fy, cx, cy = numbers
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def motion(name: str, values: Any) -> Array:
    """Return a rigid motion (4, 4), metres.

    Raises:
        ValueError: if it has not 16 values, or is none.
    """
    T = np.asarray(values, np.float64)
    if T.size != 16:
        raise ValueError(f"{name} has {T.size} values: give a 4x4 matrix")
    return se3.checked(T.reshape(4, 4), name)


def resolution(values: Any) -> tuple[int, int]:
    """Return (width, height), px.

    Raises:
        ValueError: if they are not two whole numbers.
    """
    try:
        width, height = (int(number) for number in values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"resolution is {values!r}: give [width, height] in px") from error
    return width, height


def check_pinhole(model: str) -> None:
    """Raise ValueError unless a camera model is that of a pinhole."""
    if model.strip().lower() != "pinhole":
        raise ValueError(
            f"camera_model is {model!r}: only 'pinhole' is supported, with radtan or equidistant "
            "distortion; calibrate with one of these"
        )


def _camera(name: str, fields: dict[str, Any]) -> Camera:
    try:
        check_pinhole(str(fields["camera_model"]))
        return make_camera(
            CalibrationFields(
                *resolution(fields["resolution"]),
                pinhole_matrix(fields["intrinsics"]),
                str(fields["distortion_model"]),
                fields["distortion_coeffs"],
            )
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
