"""Bytes of a raw image message -> grey or RGB pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2

from aliked_ros.images.errors import ImageError, check_pixels
from aliked_ros.images.grey_range import GreyRange
from aliked_ros.images.layout import lay_out
from aliked_ros.images.planar import PLANAR_ENCODINGS, decode_planar
from aliked_ros.structs import Pixels


@dataclass(frozen=True, eq=False)
class _Layout:
    """How an encoding lies in memory, and OpenCV's code that makes grey or RGB of it; None: is."""

    dtype: str
    num_channels: int
    code: int | None = None


# OpenCV names a Bayer pattern after the second row, ROS after the first: RGGB is OpenCV's "BG".
BAYER = {
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
_UYVY = _Layout("u1", 2, cv2.COLOR_YUV2RGB_UYVY)
_YUYV = _Layout("u1", 2, cv2.COLOR_YUV2RGB_YUY2)

_LAYOUTS: dict[str, _Layout] = {
    "mono8": _Layout("u1", 1),
    "8UC1": _Layout("u1", 1),
    "8UC3": _Layout("u1", 3, cv2.COLOR_BGR2RGB),
    "8UC4": _Layout("u1", 4, cv2.COLOR_BGRA2RGB),
    "mono16": _Layout("u2", 1),
    "16UC1": _Layout("u2", 1),
    "16UC3": _Layout("u2", 3, cv2.COLOR_BGR2RGB),
    "16UC4": _Layout("u2", 4, cv2.COLOR_BGRA2RGB),
    "32FC1": _Layout("f4", 1),
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "yuv422_yuy2": _YUYV,
    "yuyv": _YUYV,
}
for _bits, _dtype in ((8, "u1"), (16, "u2")):
    for _name, _code in BAYER.items():
        _LAYOUTS[f"{_name}{_bits}"] = _Layout(_dtype, 1, _code)
    for _name, (_channels, _order) in _COLOUR.items():
        _LAYOUTS[f"{_name}{_bits}"] = _Layout(_dtype, _channels, _order)

IMAGE_ENCODINGS = (*_LAYOUTS, *PLANAR_ENCODINGS)
_BY_LOWER_CASE = {name.lower(): name for name in IMAGE_ENCODINGS}


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
    data: Any,
    height: int,
    width: int,
    encoding: str,
    step: int,
    is_bigendian: bool = False,
    grey_range: GreyRange | None = None,
    max_megapixels: float = 0.0,
) -> Pixels:
    """Turn the fields of sensor_msgs/Image into grey or RGB pixels.

    Args:
        data: the bytes, any object with the buffer protocol.
        height: rows.
        width: columns.
        encoding: one of IMAGE_ENCODINGS, in any case.
        step: bytes from one row to the next, padding included; of luma where colour lies apart.
        is_bigendian: whether 16-bit values have their high byte first.
        grey_range: of values of more than 8 bits; None: the range that is there.
        max_megapixels: that are decoded; 0: any number.

    Returns:
        (H, W) grey or (H, W, 3) RGB, uint8. Grey and RGB without row padding are views of `data`.

    Raises:
        ImageError: unknown encoding, too many pixels, or data, step and size that contradict each
            other.
    """
    name = _BY_LOWER_CASE.get(encoding.lower())
    if name is None:
        raise ImageError(
            f"encoding is {encoding!r}{_hint(encoding)}: publish one of "
            f"{', '.join(IMAGE_ENCODINGS)}"
        )
    if height <= 0 or width <= 0:
        raise ImageError(f"image size is {width}x{height}: both must be positive")
    check_pixels(width, height, max_megapixels)
    if name in PLANAR_ENCODINGS:
        return decode_planar(memoryview(data).cast("B"), height, width, name, step)
    layout = _LAYOUTS[name]
    if layout in (_UYVY, _YUYV) and width % 2:
        raise ImageError(f"width is {width} with encoding {encoding!r}: it must be even")
    if name.startswith("bayer") and min(width, height) < 3:
        raise ImageError(f"image is {width}x{height} with encoding {encoding!r}: it is too small")
    shape = (height, width, layout.num_channels)
    raw = lay_out(data, shape, layout.dtype, step, is_bigendian)
    pixels = (grey_range or GreyRange()).to_8_bit(raw[:, :, 0] if shape[2] == 1 else raw)
    return pixels if layout.code is None else cv2.cvtColor(pixels, layout.code)


def _hint(encoding: str) -> str:
    """Return what an unknown encoding may be, in brackets."""
    name = encoding.lower()
    if name in ("8uc2", "yuv422p"):
        return " (two bytes per pixel: as yuyv or uyvy it would be clear)"
    if "jpeg" in name or "jpg" in name or "png" in name:
        return " (a picture file in a raw image: publish it as CompressedImage)"
    return ""
