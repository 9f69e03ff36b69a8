"""Bytes of an image message -> grey or RGB pixels, and depth in metres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from aliked_ros.structs import AnyArray, Floats, Pixels


class ImageError(ValueError):
    """An image that cannot be decoded; the text names the field, its value and the remedy."""


@dataclass(frozen=True, eq=False)
class _Layout:
    """How an encoding lies in memory and how it becomes grey or RGB."""

    dtype: str
    num_channels: int
    to_pixels: Callable[[AnyArray], Pixels]


def _keep(raw: AnyArray) -> Pixels:
    return raw


def _convert(code: int) -> Callable[[AnyArray], Pixels]:
    return lambda raw: _to_8_bit(cv2.cvtColor(raw, code))


def _to_8_bit(raw: AnyArray) -> Pixels:
    if raw.dtype == np.uint8:
        return raw
    pixels: Pixels = cv2.convertScaleAbs(raw, alpha=255.0 / 65535.0)
    return pixels


# OpenCV names a Bayer pattern after the second row, ROS after the first: RGGB is OpenCV's "BG".
_BAYER = {
    "bayer_rggb": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg": cv2.COLOR_BayerGB2RGB,
}
_COLOUR = {
    "rgb": (3, None),
    "bgr": (3, cv2.COLOR_BGR2RGB),
    "rgba": (4, cv2.COLOR_RGBA2RGB),
    "bgra": (4, cv2.COLOR_BGRA2RGB),
}
_UYVY = _Layout("u1", 2, _convert(cv2.COLOR_YUV2RGB_UYVY))
_YUYV = _Layout("u1", 2, _convert(cv2.COLOR_YUV2RGB_YUY2))

_LAYOUTS: dict[str, _Layout] = {
    "mono8": _Layout("u1", 1, _keep),
    "8UC1": _Layout("u1", 1, _keep),
    "8UC3": _Layout("u1", 3, _convert(cv2.COLOR_BGR2RGB)),
    "mono16": _Layout("u2", 1, _to_8_bit),
    "16UC1": _Layout("u2", 1, _to_8_bit),
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "yuv422_yuy2": _YUYV,
    "yuyv": _YUYV,
}
for _bits, _dtype in ((8, "u1"), (16, "u2")):
    for _name, _code in _BAYER.items():
        _LAYOUTS[f"{_name}{_bits}"] = _Layout(_dtype, 1, _convert(_code))
    for _name, (_channels, _order) in _COLOUR.items():
        _converter = _convert(_order) if _order is not None else _to_8_bit
        _LAYOUTS[f"{_name}{_bits}"] = _Layout(_dtype, _channels, _converter)

IMAGE_ENCODINGS = tuple(_LAYOUTS)
DEPTH_ENCODINGS = {"32FC1": "f4", "16UC1": "u2", "mono16": "u2"}


def message_fields(message: Any) -> dict[str, Any]:
    """Return what decode_image and decode_depth need of a sensor_msgs/Image, of any library."""
    return {
        "data": message.data,
        "height": message.height,
        "width": message.width,
        "encoding": message.encoding,
        "step": message.step,
        "is_bigendian": bool(message.is_bigendian),
    }


def decode_image(
    data: Any, height: int, width: int, encoding: str, step: int, is_bigendian: bool = False
) -> Pixels:
    """Turn the fields of sensor_msgs/Image into grey or RGB pixels.

    Args:
        data: the bytes, any object with the buffer protocol.
        height: rows.
        width: columns.
        encoding: one of IMAGE_ENCODINGS.
        step: bytes from one row to the next, padding included.
        is_bigendian: whether 16-bit values have their high byte first.

    Returns:
        (H, W) grey or (H, W, 3) RGB, uint8. Grey and RGB without row padding are views of `data`.

    Raises:
        ImageError: unknown encoding, or data, step and size that contradict each other.
    """
    layout = _LAYOUTS.get(encoding)
    if layout is None:
        raise ImageError(f"encoding is {encoding!r}: publish one of {', '.join(IMAGE_ENCODINGS)}")
    if layout in (_UYVY, _YUYV) and width % 2:
        raise ImageError(f"width is {width} with encoding {encoding!r}: it must be even")
    shape = (height, width, layout.num_channels)
    raw = _view(data, shape, layout.dtype, step, is_bigendian)
    return layout.to_pixels(raw[:, :, 0] if layout.num_channels == 1 else raw)


def decode_depth(
    data: Any, height: int, width: int, encoding: str, step: int, is_bigendian: bool = False
) -> Floats:
    """Turn the fields of a depth image into metres (REP 118).

    Args:
        data: the bytes, any object with the buffer protocol.
        height: rows.
        width: columns.
        encoding: "32FC1" in metres, or "16UC1" (also called "mono16") in millimetres.
        step: bytes from one row to the next, padding included.
        is_bigendian: whether values have their high byte first.

    Returns:
        (H, W) float32, metres along the optical axis; NaN where the sensor gave none
        (0, infinite, negative, or 65535 mm).

    Raises:
        ImageError: unknown encoding, or data, step and size that contradict each other.
    """
    dtype = DEPTH_ENCODINGS.get(encoding)
    if dtype is None:
        raise ImageError(
            f"depth encoding is {encoding!r}: publish one of {', '.join(DEPTH_ENCODINGS)}"
        )
    raw = _view(data, (height, width, 1), dtype, step, is_bigendian)[:, :, 0]
    return depth_from_millimetres(raw) if dtype == "u2" else depth_from_metres(raw)


def depth_from_millimetres(raw: NDArray[np.uint16]) -> Floats:
    """Return metres with NaN where the (H, W) uint16 millimetres are 0 or saturated."""
    depth_m = raw.astype(np.float32) / np.float32(1000)
    depth_m[(raw == 0) | (raw == 65535)] = np.nan
    return depth_m


def depth_from_metres(raw: Floats) -> Floats:
    """Return a copy with NaN where the (H, W) float32 metres are not positive and finite."""
    depth_m = raw.astype(np.float32)
    depth_m[~((depth_m > 0) & np.isfinite(depth_m))] = np.nan
    return depth_m


def decode_compressed(data: Any) -> Pixels:
    """Turn a JPEG or PNG file in memory into (H, W) grey or (H, W, 3) RGB, uint8.

    Raises:
        ImageError: if OpenCV cannot read it.
    """
    raw = _read_compressed(data)
    pixels = _to_8_bit(raw)
    if pixels.ndim == 2:
        return pixels
    code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGB
    rgb: Pixels = cv2.cvtColor(pixels, code)
    return rgb


def _read_compressed(data: Any) -> AnyArray:
    encoded = np.frombuffer(data, np.uint8)
    try:
        raw: AnyArray | None = None
        if encoded.size:
            raw = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"compressed image of {encoded.size} bytes: {error.err}") from error
    if raw is None:
        raise ImageError(
            f"compressed image of {encoded.size} bytes is not a readable JPEG or PNG: "
            "check the camera driver or image_transport"
        )
    return raw


def _view(
    data: Any, shape: tuple[int, int, int], dtype: str, step: int, is_bigendian: bool
) -> AnyArray:
    """Lay an (H, W, C) array of native byte order over the bytes; copy only to swap bytes."""
    height, width, num_channels = shape
    kind = np.dtype(dtype).newbyteorder(">" if is_bigendian else "<")
    if height <= 0 or width <= 0:
        raise ImageError(f"image size is {width}x{height}: both must be positive")
    pixel = num_channels * kind.itemsize
    if step < width * pixel:
        raise ImageError(
            f"step is {step} bytes for {width} pixels of {pixel} bytes: "
            f"it must be at least {width * pixel}"
        )
    buffer = memoryview(data).cast("B")
    needed = step * (height - 1) + width * pixel
    if len(buffer) < needed:
        raise ImageError(
            f"data has {len(buffer)} bytes: {height} rows of step {step} need {needed}"
        )
    raw: AnyArray = np.ndarray(shape, kind, buffer, strides=(step, pixel, kind.itemsize))
    return raw if kind.isnative else raw.astype(kind.newbyteorder("="))
