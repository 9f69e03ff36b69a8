"""The feature of any pixel from the pyramid, in registers."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.kernels.sampling import upsample
from aliked_ros.inference.cuda.kernels.tiles import WEIGHT_UNIT, load_matrix, load_rows, selu


@triton.jit
def pixel_features(
    x1, level_weights, half, eighth, last, y, x, is_live,
    top, left, height, width, padded_height, padded_width,
    first_length: tl.constexpr, padded: tl.constexpr, channels: tl.constexpr, num: tl.constexpr,
):  # fmt: skip
    """Return the features of whole pixels, in four parts, and what they are to be scaled by.

    Args:
        x1: (padded_height * padded_width, first_length) float16, rows of parts, the first block's
            output, from which the finest level is computed where it is needed.
        level_weights: (2, padded, channels), its 1x1 convolution, the same rows for both parts.
        half: (padded_height * padded_width / 4, channels) float32 or float16, level at 1/2.
        eighth: level at 1/8.
        last: level at 1/32.
        y: (num,) int32, rows in the image before padding, inside it or not.
        x: (num,) int32, columns, likewise.
        is_live: (num,) bool, which of them to look at.
        top: px, rows of padding before the image.
        left: px, columns of padding before the image.
        height: of the image, px.
        width: of the image, px.
        padded_height: px.
        padded_width: px.
        first_length: numbers of a row of x1.
        padded: at least 16.
        channels: of a level.
        num: of pixels.

    Returns:
        Four (num, channels) float32, and (num,) float32, 1 / norm; 0 outside the image.
    """
    is_inside = is_live & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y = tl.minimum(tl.maximum(y, 0), height - 1) + top
    x = tl.minimum(tl.maximum(x, 0), width - 1) + left
    tile = load_rows(x1, y * padded_width + x, is_inside, first_length, padded)
    part1 = tl.zeros((num, channels), tl.float32)
    for part in tl.static_range(2):
        weights = load_matrix(level_weights + part * padded * channels, padded, channels)
        part1 = tl.dot(tile, weights, part1)
    part1 = selu(part1 * WEIGHT_UNIT)
    part2 = upsample(half, y, x, padded_height, padded_width, 2, channels)
    part3 = upsample(eighth, y, x, padded_height, padded_width, 8, channels)
    part4 = upsample(last, y, x, padded_height, padded_width, 32, channels)
    squares = tl.sum(part1 * part1 + part2 * part2 + part3 * part3 + part4 * part4, axis=1)
    norm = tl.maximum(tl.sqrt_rn(squares), 1e-12)
    return part1, part2, part3, part4, tl.where(is_inside, 1.0 / norm, 0.0)
