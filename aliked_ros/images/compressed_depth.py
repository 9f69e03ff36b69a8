"""Depth images of compressed_depth_image_transport (png and rvl) -> metres."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliked_ros.images.depth import to_metres
from aliked_ros.images.errors import ImageError, check_pixels
from aliked_ros.images.picture import read_picture
from aliked_ros.structs import Floats

_HEADER = struct.Struct("<iff")  # ConfigHeader: format, then A and B of the inverse depth
_PNG = b"\x89PNG"


def decode_compressed_depth(
    data: Any, format: str, depth_scale: float = 0.0, max_megapixels: float = 0.0
) -> Floats:
    """Turn the fields of a CompressedImage of depth into metres; see `decode_depth`.

    Args:
        data: the bytes, any object with the buffer protocol.
        format: "16UC1; compressedDepth png", "32FC1; compressedDepth rvl" and so on; without a
            codec it is png. A bare PNG file of 16 bits is read, too.
        depth_scale: metres per unit of the values; 0: by the encoding.
        max_megapixels: that are decoded; 0: any number.

    Raises:
        ImageError: if the message is no such image.
    """
    encoding, _, how = (part.strip() for part in format.partition(";"))
    buffer = bytes(memoryview(data).cast("B"))
    if buffer[:4] == _PNG:
        return to_metres(_read_png(buffer, max_megapixels, format), depth_scale)
    if len(buffer) <= _HEADER.size:
        raise ImageError(f"compressed depth of {len(buffer)} bytes (format {format!r}) is empty")
    _, a, b = _HEADER.unpack_from(buffer)
    body = buffer[_HEADER.size :]
    read = _read_rvl if how.endswith("rvl") and body[:4] != _PNG else _read_png
    raw = read(body, max_megapixels, format)
    if encoding.upper() != "32FC1":
        return to_metres(raw, depth_scale)
    if not (np.isfinite([a, b]).all() and a > 0):
        raise ImageError(f"compressed depth has the parameters {a} and {b}: a must be positive")
    with np.errstate(divide="ignore"):
        metres = np.float32(a) / (raw.astype(np.float32) - np.float32(b))
    metres[raw == 0] = np.nan
    return to_metres(metres, depth_scale)


def _read_png(body: bytes, max_megapixels: float, format: str) -> NDArray[np.uint16]:
    if body[:4] != _PNG:
        raise ImageError(
            f"compressed depth of {len(body)} bytes (format {format!r}) holds no PNG: use the "
            "transport compressedDepth with png or rvl"
        )
    raw = read_picture(body, max_megapixels, format)
    if raw.ndim != 2 or raw.dtype != np.uint16:
        raise ImageError(
            f"compressed depth (format {format!r}) holds {raw.dtype} values in "
            f"{1 if raw.ndim == 2 else raw.shape[2]} channels: 16 bits in one are needed"
        )
    return raw


def _read_rvl(body: bytes, max_megapixels: float, format: str) -> NDArray[np.uint16]:
    """Decode Wilson's "Fast Lossless Depth Image Compression" (SIGCHI 2017)."""
    if len(body) < 8:
        raise ImageError(f"compressed depth of {len(body)} bytes (format {format!r}) is cut off")
    width, height = struct.unpack_from("<II", body)
    check_pixels(width, height, max_megapixels or 1e3)
    if width == 0 or height == 0:
        raise ImageError(f"compressed depth of {len(body)} bytes says that it is {width}x{height}")
    values = _numbers(body[8:])
    return _fill(values, width * height).reshape(height, width)


def _numbers(body: bytes) -> NDArray[np.int64]:
    """Return the numbers of a stream of nibbles: three bits each, low ones first, and "more"."""
    words = np.frombuffer(body[: len(body) // 4 * 4], "<u4")
    shifts = np.arange(28, -1, -4, dtype=np.uint32)
    nibbles = ((words[:, None] >> shifts) & 0xF).astype(np.int64).ravel()
    ends = np.flatnonzero(nibbles < 8)
    if len(ends) == 0:
        return np.zeros(0, np.int64)
    begins = np.concatenate([[0], ends[:-1] + 1])
    if (ends - begins).max() > 10:  # more than 32 bits
        raise ImageError("compressed depth is damaged: a number has more than 32 bits")
    position = np.arange(ends[-1] + 1) - np.repeat(begins, ends - begins + 1)
    parts = (nibbles[: ends[-1] + 1] & 7) << (3 * position)
    return np.add.reduceat(parts, begins)


def _fill(values: NDArray[np.int64], num_pixels: int) -> NDArray[np.uint16]:
    """Return the pixels of runs: how many zeros, how many others, and the steps of the others."""
    pixels = np.zeros(num_pixels, np.uint16)
    runs, at, pixel = [], 0, 0
    numbers = values.tolist()
    while pixel < num_pixels:
        if at + 2 > len(numbers):
            raise ImageError("compressed depth is cut off")
        zeros, others = numbers[at], numbers[at + 1]
        pixel += zeros
        if pixel + others > num_pixels or at + 2 + others > len(numbers):
            raise ImageError("compressed depth is damaged: its runs do not fill the image")
        runs.append((at + 2, pixel, others))
        at, pixel = at + 2 + others, pixel + others
    filled = np.array(runs, np.int64).reshape(-1, 3)
    filled = filled[filled[:, 2] > 0]
    if len(filled) == 0:
        return pixels
    within = np.arange(filled[:, 2].sum()) - np.repeat(
        np.cumsum(filled[:, 2]) - filled[:, 2], filled[:, 2]
    )
    coded = values[np.repeat(filled[:, 0], filled[:, 2]) + within]
    steps = (coded >> 1) ^ -(coded & 1)
    pixels[np.repeat(filled[:, 1], filled[:, 2]) + within] = np.cumsum(steps) & 0xFFFF
    return pixels
