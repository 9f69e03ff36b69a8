"""The deformable 3x3 convolution: nine taps that have moved, read bilinearly."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.outputs import store_results
from aliked_ros.inference.cuda.tiles import load_rows, selu, tile_pixels


@triton.jit
def _load_tap(x, y, column, is_live, height, width, channels: tl.constexpr, padded: tl.constexpr):
    """Return (block, padded) float32, the map read bilinearly at y and column; zeros outside."""
    top, left = tl.floor(y), tl.floor(column)
    low, right = y - top, column - left
    row, first = top.to(tl.int32), left.to(tl.int32)
    tile = tl.zeros((y.shape[0], padded), tl.float32)
    for corner in tl.static_range(4):
        corner_y, corner_x = row + corner // 2, first + corner % 2
        is_inside = (corner_y >= 0) & (corner_y < height) & (corner_x >= 0) & (corner_x < width)
        weight = (low if corner // 2 else 1.0 - low) * (right if corner % 2 else 1.0 - right)
        value = load_rows(x, corner_y * width + corner_x, is_inside & is_live, channels, padded)
        tile += weight[:, None] * value.to(tl.float32)
    return tile


@triton.jit(do_not_specialize=["height", "width"])
def convolve_deformable(
    x, offsets, weights, bias, shortcut, shortcut_weights,
    out, pooled, level, level_weights, coarse, coarse_weights,
    height, width, limit,
    inputs: tl.constexpr, padded_inputs: tl.constexpr, outputs: tl.constexpr,
    shortcuts: tl.constexpr, padded_shortcuts: tl.constexpr,
    level_channels: tl.constexpr, cell: tl.constexpr,
    block: tl.constexpr, chunk: tl.constexpr, precision: tl.constexpr,
):  # fmt: skip
    """Convolve a map with taps at moved places; then SELU, and what is asked for of the result.

    Args:
        x: (B, height * width, inputs).
        offsets: (B, height * width, 32) float32, px: dy of tap 0, dx of tap 0, dy of tap 1 ...
        weights: (9, padded_inputs, outputs).
        bias: (outputs,) float32.
        shortcut: (B, height * width, shortcuts) that a 1x1 convolution adds; or None.
        shortcut_weights: (padded_shortcuts, outputs).
        out: (B, height * width, outputs); or None.
        pooled: as in `store_results`; only where chunk is outputs, and so on with what follows.
        level: as in `store_results`.
        level_weights: as in `store_results`.
        coarse: as in `store_results`.
        coarse_weights: as in `store_results`.
        height: px, a multiple of cell.
        width: px, a multiple of cell.
        limit: px, the largest offset along an axis.
        inputs: channels of x.
        padded_inputs: at least 16.
        outputs: channels of the result.
        shortcuts: channels of the shortcut.
        padded_shortcuts: at least 16.
        level_channels: channels of the level.
        cell: px, side of the squares.
        block: pixels of a program.
        chunk: channels of the result that a program makes.
        precision: of float32 products.
    """
    image = tl.program_id(1).to(tl.int64)
    num_pixels = height * width
    y, column = tile_pixels(width, cell, block)
    index = y * width + column
    is_live = y < height
    x += image * num_pixels * inputs
    offsets += image * num_pixels * 32
    channel = tl.program_id(2) * chunk + tl.arange(0, chunk)
    term = tl.arange(0, padded_inputs)
    result = tl.zeros((block, chunk), tl.float32)
    for tap in range(9):
        dy = tl.load(offsets + index * 32 + 2 * tap, mask=is_live, other=0.0)
        dx = tl.load(offsets + index * 32 + 2 * tap + 1, mask=is_live, other=0.0)
        tap_y = (y + tap // 3 - 1).to(tl.float32) + tl.minimum(tl.maximum(dy, -limit), limit)
        tap_x = (column + tap % 3 - 1).to(tl.float32) + tl.minimum(tl.maximum(dx, -limit), limit)
        tile = _load_tap(x, tap_y, tap_x, is_live, height, width, inputs, padded_inputs)
        kernel = tl.load(
            weights + (tap * padded_inputs + term)[:, None] * outputs + channel[None, :]
        )
        result = tl.dot(tile.to(kernel.dtype), kernel, result, input_precision=precision)
    if shortcut is not None:
        shortcut += image * num_pixels * shortcuts
        tile = load_rows(shortcut, index, is_live, shortcuts, padded_shortcuts)
        term = tl.arange(0, padded_shortcuts)
        kernel = tl.load(shortcut_weights + term[:, None] * outputs + channel[None, :])
        result = tl.dot(tile, kernel, result, input_precision=precision)
    result = selu(result + tl.load(bias + channel)[None, :])
    if chunk == outputs:
        store_results(
            result, index, is_live, image, num_pixels,
            out, pooled, level, level_weights, coarse, coarse_weights,
            outputs, outputs, level_channels, cell, block, precision,
        )  # fmt: skip
    else:
        place = out + image * num_pixels * outputs + index[:, None] * outputs + channel[None, :]
        tl.store(place, result, mask=is_live[:, None])
