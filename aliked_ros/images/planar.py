"""Images whose colour lies in planes of its own: NV12, NV21, NV24, I420, YV12."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.images.errors import ImageError
from aliked_ros.structs import AnyArray, Pixels

# Name -> how the planes that follow the luma become RGB: OpenCV's code for whole planes (4:2:0).
_HALF = {
    "nv12": cv2.COLOR_YUV2RGB_NV12,
    "nv21": cv2.COLOR_YUV2RGB_NV21,
    "i420": cv2.COLOR_YUV2RGB_I420,
    "yv12": cv2.COLOR_YUV2RGB_YV12,
}
_INTERLEAVED = ("nv12", "nv21")  # one plane of pairs; the others have two planes of half the step
_ALIASES = {"yuv420": "i420", "yuv420p": "i420", "iyuv": "i420"}
PLANAR_ENCODINGS = (*_HALF, *_ALIASES, "nv24")


def decode_planar(data: memoryview, height: int, width: int, encoding: str, step: int) -> Pixels:
    """Return (H, W, 3) RGB of an image in planes.

    Args:
        data: the bytes: luma row by row, then colour.
        height: rows of the luma; some drivers count the rows of the colour, too.
        width: columns; even, as is the height.
        encoding: one of PLANAR_ENCODINGS.
        step: bytes from one row of the luma to the next.

    Raises:
        ImageError: if the fields contradict each other.
    """
    name = _ALIASES.get(encoding, encoding)
    if step < width:
        raise ImageError(f"step is {step} bytes for {width} pixels: it must be at least {width}")
    rows = _luma_rows(len(data), height, step, 3.0 if name == "nv24" else 1.5)
    if name != "nv24" and (width % 2 or rows % 2):
        raise ImageError(f"image is {width}x{rows} with encoding {encoding!r}: both must be even")
    return (
        _decode_nv24(data, rows, width, step)
        if name == "nv24"
        else _decode_half(data, rows, width, name, step)
    )


def _luma_rows(num_bytes: int, height: int, step: int, planes: float) -> int:
    """Return how many rows of an image are luma; all planes are `planes` times as large."""
    if num_bytes >= round(step * height * planes):
        return height
    if num_bytes >= step * height and round(height / planes) * planes == height:
        return round(height / planes)
    raise ImageError(
        f"data has {num_bytes} bytes: {height} rows of step {step} and their colour need "
        f"{round(step * height * planes)}"
    )


def _decode_half(data: memoryview, rows: int, width: int, name: str, step: int) -> Pixels:
    luma = _plane(data, 0, rows, width, step)
    if name in _INTERLEAVED:
        colour = _plane(data, rows * step, rows // 2, width, step)
    else:
        half = step // 2
        colour = _plane(data, rows * step, rows, width // 2, half).reshape(rows // 2, width)
    return cv2.cvtColor(np.vstack([luma, colour]), _HALF[name])


def _decode_nv24(data: memoryview, rows: int, width: int, step: int) -> Pixels:
    luma = _plane(data, 0, rows, width, step)
    colour = _plane(data, rows * step, rows, 2 * width, 2 * step).reshape(rows, width, 2)
    return _bt601(luma, colour[..., 0], colour[..., 1])


def _plane(data: memoryview, begin: int, rows: int, width: int, step: int) -> AnyArray:
    """Return one plane (rows, width), contiguous; its last row may end without its padding."""
    padded: AnyArray = np.ndarray((rows, width), np.uint8, data, begin, strides=(step, 1))
    return np.ascontiguousarray(padded)


def _bt601(luma: AnyArray, u: AnyArray, v: AnyArray) -> Pixels:
    """Return (H, W, 3) RGB of planes (H, W): BT.601, luma from 16 to 235."""
    y = 1.164 * (luma.astype(np.float32) - 16)
    u, v = u.astype(np.float32) - 128, v.astype(np.float32) - 128
    mixed = np.stack([y + 1.596 * v, y - 0.813 * v - 0.391 * u, y + 2.018 * u], axis=-1)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
