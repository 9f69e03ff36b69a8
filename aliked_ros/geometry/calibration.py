"""The fields of a calibration -> the camera of its images: REP 104 in one place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from aliked_ros.geometry.camera import rectify_keypoints
from aliked_ros.geometry.distortion import standard_distortion
from aliked_ros.structs import Array, Camera

_GRID = (20, 15)  # pixels in columns and rows at which a distortion is inverted for a check
_MAX_DEGENERATE_SHARE = 0.5  # of them that may not be inverted
_MIN_FOCAL_OF_WIDTH = 0.05  # a fisheye that sees all around has 0.16
_MAX_SKEW = 1e-3  # of the focal length
_ROTATION_TOLERANCE = 1e-2


class OtherSizeError(ValueError):
    """A calibration for images of another size than those at hand."""


@dataclass(frozen=True)
class Region:
    """A part of an image, px; all zero: the whole image.

    Attributes:
        x: column of its left side.
        y: row of its upper side.
        width: columns.
        height: rows.
    """

    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0


@dataclass(frozen=True, eq=False)
class CalibrationFields:
    """What sensor_msgs/CameraInfo and calibration files hold.

    Attributes:
        width: of the whole sensor without binning, px (REP 104).
        height: likewise.
        K: 9 values, row-major, px of the whole sensor without binning.
        model: distortion model, by any name.
        D: its coefficients.
        R: 9 values, row-major; all zero or None: not given.
        P: 12 values, row-major; all zero or None: not given.
        binning: pixels of the sensor in one of the image, along x and y; 0 means 1.
        region: part of the sensor that the image shows.
    """

    width: int
    height: int
    K: ArrayLike
    model: str = ""
    D: ArrayLike = ()
    R: ArrayLike | None = None
    P: ArrayLike | None = None
    binning: tuple[int, int] = (0, 0)
    region: Region = Region()


def make_camera(
    fields: CalibrationFields,
    image_size: tuple[int, int] | None = None,
    is_rectified: bool = False,
) -> Camera:
    """Return the camera of images.

    Args:
        fields: of the calibration.
        image_size: (width, height) of the images, px; None: what the calibration says.
        is_rectified: whether the images are rectified already, so that P alone counts.

    Raises:
        ValueError: naming the field, its value and what to do, if the calibration cannot be used,
            contradicts itself, or is for images of another size.
    """
    P = _matrix("P", fields.P, 4)
    _check_intrinsics("P", P)
    K, R = (P[:, :3], np.eye(3)) if is_rectified else _raw_intrinsics(fields, P)
    if is_rectified and not P.any():
        raise ValueError(
            "P is zero and rectified_images is true: publish the projection of the rectified "
            "images, or set rectified_images to false"
        )
    model, D = ("none", np.zeros(0))
    if not is_rectified:
        model, D = standard_distortion(fields.model, fields.D)
    _check_size(fields, image_size)
    camera = Camera(fields.width, fields.height, K, model, D, R, P if P.any() else None)
    _check_focal_length("K", camera.K, camera.width)
    _check_focal_length("P", camera.K_rectified, camera.width)
    camera = bin_pixels(crop(camera, _seen(fields)), fields.binning)
    _check_distortion(camera)
    return camera


def crop(camera: Camera, region: Region) -> Camera:
    """Return the camera of a part of its images."""
    shift = np.array([[0, 0, region.x], [0, 0, region.y], [0, 0, 0]], np.float64)
    P = None if camera.P is None else camera.P - np.column_stack([shift, np.zeros(3)])
    return replace(camera, width=region.width, height=region.height, K=camera.K - shift, P=P)


def bin_pixels(camera: Camera, binning: tuple[int, int]) -> Camera:
    """Return the camera of images whose pixels are so many columns and rows of its own."""
    x, y = (max(1, number) for number in binning)
    return _scale(camera, 1 / x, 1 / y, (camera.width // x, camera.height // y))


def resize(camera: Camera, size: tuple[int, int]) -> Camera:
    """Return the camera of its images at another size (width, height), px."""
    return _scale(camera, size[0] / camera.width, size[1] / camera.height, size)


def _scale(camera: Camera, sx: float, sy: float, size: tuple[int, int]) -> Camera:
    # Pixels are counted by their centres: u becomes (u + 0.5) * s - 0.5.
    S = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
    P = None if camera.P is None else S @ camera.P
    return replace(camera, width=size[0], height=size[1], K=S @ camera.K, P=P)


def degenerate_share(camera: Camera) -> float:
    """Return the share of the image in which the distortion cannot be inverted."""
    x = (np.arange(_GRID[0]) + 0.5) * camera.width / _GRID[0] - 0.5
    y = (np.arange(_GRID[1]) + 0.5) * camera.height / _GRID[1] - 0.5
    pixels = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return float(np.isnan(rectify_keypoints(pixels, camera)[:, 0]).mean())


def _matrix(name: str, values: ArrayLike | None, columns: int) -> Array:
    """Return a field as a matrix of 3 rows; zeros if it is not given."""
    if values is None:
        return np.zeros((3, columns))
    matrix = np.asarray(values, np.float64).ravel()
    if matrix.size == 0:
        return np.zeros((3, columns))
    if matrix.size != 3 * columns:
        raise ValueError(f"{name} has {matrix.size} values: give {3 * columns}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} is {matrix.tolist()}: give finite numbers")
    matrix = matrix.reshape(3, columns)
    # A 1 in the corner alone is how some drivers write that they know nothing.
    is_given = matrix[0, 0] != 0 or matrix[1, 1] != 0 or name == "R"
    return matrix if is_given else np.zeros((3, columns))


def _rotation(R: Array) -> Array:
    if not R.any():
        return np.eye(3)
    if not np.allclose(R @ R.T, np.eye(3), atol=_ROTATION_TOLERANCE) or np.linalg.det(R) < 0:
        raise ValueError(
            f"R is {np.round(R, 4).tolist()}, which is no rotation: give one, or zeros"
        )
    return R


def _no_intrinsics(P: Array) -> str:
    if P.any():
        return (
            f"K is zero and P is not (its focal length is {P[0, 0]:.1f} px): the driver knows "
            "rectified images only; if these are, set rectified_images to true, else publish K"
        )
    return (
        "focal length is 0.0, 0.0 px: the camera is not calibrated; publish a camera_info with "
        "positive K[0] and K[4]"
    )


def _check_intrinsics(name: str, matrix: Array) -> None:
    """Raise ValueError if a matrix of a calibration is none of a pinhole camera."""
    if not matrix.any():
        return
    columns = matrix.shape[1]
    fx, fy = matrix[0, 0], matrix[1, 1]
    if fx <= 0 or fy <= 0:
        raise ValueError(
            f"focal length is {fx}, {fy} px: the camera is not calibrated; publish a camera_info "
            f"with positive {name}[0] and {name}[{columns + 1}]"
        )
    others = [matrix[1, 0], *matrix[2, :2], matrix[2, 2] - 1]
    if np.abs(others).max() > 1e-6:
        raise ValueError(
            f"{name} is {np.round(matrix, 4).tolist()}: its rows must be (fx 0 cx), (0 fy cy), "
            "(0 0 1); is it written column by column?"
        )
    if abs(matrix[0, 1]) > _MAX_SKEW * fx:
        raise ValueError(f"{name}[1] is {matrix[0, 1]:g}: pixels with a skew are not supported")


def _check_focal_length(name: str, matrix: Array, width: int) -> None:
    """Raise ValueError if a focal length is so short that it cannot be in pixels."""
    fx, fy = float(matrix[0, 0]), float(matrix[1, 1])
    if max(fx, fy) < _MIN_FOCAL_OF_WIDTH * width:
        raise ValueError(
            f"the focal length of {name} is {fx:g}, {fy:g} px for images {width} px wide: no lens "
            "sees so much; give pixels, not millimetres or parts of the width"
        )


def _raw_intrinsics(fields: CalibrationFields, P: Array) -> tuple[Array, Array]:
    """Return K and R of a raw camera."""
    K = _matrix("K", fields.K, 3)
    if not K.any():
        raise ValueError(_no_intrinsics(P))
    _check_intrinsics("K", K)
    return K, _rotation(_matrix("R", fields.R, 3))


def _seen(fields: CalibrationFields) -> Region:
    """Return the part of the sensor that the images show."""
    region = fields.region
    return replace(
        region, width=region.width or fields.width, height=region.height or fields.height
    )


def _check_size(fields: CalibrationFields, image_size: tuple[int, int] | None) -> None:
    """Raise ValueError if a calibration contradicts itself or is for images of another size."""
    whole, seen = (fields.width, fields.height), _seen(fields)
    if min(whole) <= 0:
        raise ValueError(
            f"camera size is {whole[0]}x{whole[1]}: both must be positive; give the width and "
            "height of the images that were calibrated"
        )
    part = f"roi is {seen.width}x{seen.height} at ({seen.x}, {seen.y})"
    if seen.x + seen.width > whole[0] or seen.y + seen.height > whole[1]:
        raise ValueError(
            f"{part}, camera_info is for {whole[0]}x{whole[1]}: width and height must be those of "
            "the whole sensor (REP 104)"
        )
    binning = tuple(max(1, number) for number in fields.binning)
    size = (seen.width // binning[0], seen.height // binning[1])
    if min(size) <= 0:
        raise ValueError(f"binning is {binning[0]}x{binning[1]}, which leaves no pixel: {part}")
    if image_size is None or image_size == size:
        return
    how = "" if (seen.width, seen.height) == whole else f", {part}"
    how += "" if binning == (1, 1) else f", binning is {binning[0]}x{binning[1]}"
    made = f", which makes images of {size[0]}x{size[1]}" if how else ""
    raise OtherSizeError(
        f"camera_info is for {whole[0]}x{whole[1]}{how}{made}, the images are "
        f"{image_size[0]}x{image_size[1]}: publish the calibration of these images (REP 104: "
        "width, height, K and P are of the whole sensor without binning)"
    )


def _check_distortion(camera: Camera) -> None:
    share = degenerate_share(camera)
    if share > _MAX_DEGENERATE_SHARE:
        raise ValueError(
            f"the distortion {camera.distortion_model} {np.round(camera.D, 6).tolist()} cannot be "
            f"inverted in {share:.0%} of the image: check D and the distortion_model"
        )
