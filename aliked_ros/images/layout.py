"""Bytes with a row length -> an array of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliked_ros.images.errors import ImageError
from aliked_ros.structs import AnyArray


def lay_out(
    data: Any, shape: tuple[int, int, int], dtype: str, step: int, is_bigendian: bool
) -> AnyArray:
    """Lay an (H, W, C) array of native byte order over the bytes; copy only to swap bytes.

    Raises:
        ImageError: if data, step and shape contradict each other.
    """
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
