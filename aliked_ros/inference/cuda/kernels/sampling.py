"""Coarse maps read at the pixels of the padded image."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _axis(position, size, stride: tl.constexpr):
    """Return the two cells beside padded pixels on an axis, and the weight of the second."""
    cells = size // stride
    ratio = tl.div_rn((cells - 1).to(tl.float32), (size - 1).to(tl.float32))
    place = position.to(tl.float32) * ratio
    first = place.to(tl.int32)  # rounds down: it is at least 0
    return first, tl.minimum(first + 1, cells - 1), place - first.to(tl.float32)


@triton.jit
def upsample(level, y, x, height, width, stride: tl.constexpr, channels: tl.constexpr):
    """Return a coarse map upsampled, with aligned corners, at some pixels.

    Args:
        level: (height / stride * width / stride, channels) float32 or float16.
        y: (num,) int32 in [0, height), rows of the padded image.
        x: (num,) int32 in [0, width), columns.
        height: of the padded image, px, at least 32.
        width: of the padded image, px, at least 32.
        stride: px of a cell.
        channels: of the map.

    Returns:
        (num, channels) float32.
    """
    top, bottom, low = _axis(y, height, stride)
    left, last, right = _axis(x, width, stride)
    columns = width // stride
    channel = tl.arange(0, channels)[None, :]
    upper = level + (top * columns)[:, None] * channels + channel
    lower = level + (bottom * columns)[:, None] * channels + channel
    left, last = left[:, None] * channels, last[:, None] * channels
    low, right = low[:, None], right[:, None]
    result = (1.0 - low) * (1.0 - right) * tl.load(upper + left).to(tl.float32)
    result += (1.0 - low) * right * tl.load(upper + last).to(tl.float32)
    result += low * (1.0 - right) * tl.load(lower + left).to(tl.float32)
    return result + low * right * tl.load(lower + last).to(tl.float32)
