"""What is kept of a block's output: the map, the means for the next block, the pyramid's level."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.kernels.tiles import (
    WEIGHT_UNIT,
    multiply,
    selu,
    store_parts,
    store_rows,
)


@triton.jit
def store_results(
    value, index, is_live, image, num_pixels,
    out, pooled, level, level_weights, coarse, coarse_weights,
    outputs: tl.constexpr, padded: tl.constexpr, level_channels: tl.constexpr,
    cell: tl.constexpr, block: tl.constexpr, parts: tl.constexpr,
):  # fmt: skip
    """Store what is asked for; a pointer that is None is not.

    Args:
        value: (block, padded) float32, the output of a block of the network.
        index: (block,) pixels, as `tile_pixels` gives them.
        is_live: (block,) bool, which of them exist.
        image: number of the image in the batch, int64.
        num_pixels: of an image.
        out: (B, num_pixels, parts, outputs) float16, the map itself.
        pooled: (B, num_pixels / cell^2, parts, outputs) float16, means of squares.
        level: (B, num_pixels, level_channels) float32 or float16, the level of the pyramid.
        level_weights: (parts, padded, level_channels).
        coarse: (B, num_pixels, 8) float32, the level's part of the score head.
        coarse_weights: (parts, level_channels, 8).
        outputs: channels of the map.
        padded: at least 16.
        level_channels: channels of the level.
        cell: px, side of the squares.
        block: pixels of a program.
        parts: of a number.
    """
    if out is not None:
        first = image * num_pixels * (parts * outputs)
        store_parts(out + first, index, is_live, value, outputs, padded, parts)
    if pooled is not None:
        area: tl.constexpr = cell * cell
        count: tl.constexpr = block // area
        num_squares = num_pixels // area
        mean = tl.sum(tl.reshape(value, (count, area, padded)), axis=1) / area
        square = tl.program_id(0) * count + tl.arange(0, count)
        first = image * num_squares * (parts * outputs)
        store_parts(pooled + first, square, square < num_squares, mean, outputs, padded, parts)
    if coarse is not None:
        hidden = tl.zeros((block, level_channels), tl.float32)
        hidden = multiply(value, level_weights, hidden, padded, level_channels, parts)
        hidden = selu(hidden * WEIGHT_UNIT)
        if level is not None:
            first = image * num_pixels * level_channels
            store_rows(level + first, index, is_live, hidden, level_channels)
        part = tl.zeros((block, 8), tl.float32)
        part = multiply(hidden, coarse_weights, part, level_channels, 8, parts) * WEIGHT_UNIT
        store_rows(coarse + image * num_pixels * 8, index, is_live, part, 8)


@triton.jit(do_not_specialize=["num_pixels"])
def project(
    x, level, level_weights, coarse, coarse_weights, num_pixels,
    channels: tl.constexpr, level_channels: tl.constexpr,
    block: tl.constexpr, parts: tl.constexpr,
):  # fmt: skip
    """Make the level of the pyramid, and its part of the score head, of a block's output.

    Args:
        x: (B, num_pixels, parts, channels) float16.
        level: (B, num_pixels, level_channels) float32 or float16.
        level_weights: (parts, channels, level_channels).
        coarse: (B, num_pixels, 8) float32.
        coarse_weights: (parts, level_channels, 8).
        num_pixels: of an image.
        channels: of x, at least 16.
        level_channels: of the level.
        block: pixels of a program.
        parts: of a number.
    """
    image = tl.program_id(1).to(tl.int64)
    index = tl.program_id(0) * block + tl.arange(0, block)
    is_live = index < num_pixels
    row = (image * num_pixels + index)[:, None] * (parts * channels)
    place = x + row + tl.arange(0, channels)[None, :]
    value = tl.load(place, mask=is_live[:, None], other=0.0).to(tl.float32)
    if parts == 2:
        value += tl.load(place + channels, mask=is_live[:, None], other=0.0).to(tl.float32)
    store_results(
        value, index, is_live, image, num_pixels,
        None, None, level, level_weights, coarse, coarse_weights,
        channels, channels, level_channels, 1, block, parts,
    )  # fmt: skip
