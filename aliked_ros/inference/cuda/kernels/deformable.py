"""The deformable 3x3 convolution: nine taps that have moved, read bilinearly."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.kernels.outputs import store_results
from aliked_ros.inference.cuda.kernels.tiles import (
    WEIGHT_UNIT,
    load_rows,
    selu,
    tile_pixels,
)


@triton.jit
def _load_tap(
    x, y, column, is_live, height, width, channels: tl.constexpr, padded: tl.constexpr,
    block: tl.constexpr, parts: tl.constexpr,
):  # fmt: skip
    """Return (block, padded) float32, the map read bilinearly at y and column; zeros outside."""
    top, left = tl.floor(y), tl.floor(column)
    low, right = y - top, column - left
    row, first = top.to(tl.int32), left.to(tl.int32)
    channel = tl.arange(0, padded)[None, :]
    tile = tl.zeros((block, padded), tl.float32)
    for corner in tl.static_range(4):
        corner_y, corner_x = row + corner // 2, first + corner % 2
        is_inside = (corner_y >= 0) & (corner_y < height) & (corner_x >= 0) & (corner_x < width)
        weight = (low if corner // 2 else 1.0 - low) * (right if corner % 2 else 1.0 - right)
        mask = (is_inside & is_live)[:, None]
        if channels < padded:
            mask = mask & (channel < channels)
        place = x + (corner_y * width + corner_x)[:, None] * (parts * channels) + channel
        for part in tl.static_range(parts):
            value = tl.load(place + part * channels, mask=mask, other=0.0)
            tile += weight[:, None] * value.to(tl.float32)
    return tile


@triton.jit(do_not_specialize=["height", "width"])
def convolve_deformable(
    x, offsets, weights, bias, shortcut, shortcut_weights,
    out, pooled, level, level_weights, coarse, coarse_weights,
    height, width,
    inputs: tl.constexpr, padded_inputs: tl.constexpr, outputs: tl.constexpr,
    shortcuts: tl.constexpr, padded_shortcuts: tl.constexpr,
    level_channels: tl.constexpr, cell: tl.constexpr,
    block: tl.constexpr, chunk: tl.constexpr, parts: tl.constexpr,
):  # fmt: skip
    """Convolve a map with taps at moved places; then SELU, and what is asked for of the result.

    Args:
        x: (B, height * width, parts, inputs) float16.
        offsets: (B, height * width, 32) float32, px: dy of tap 0, dx of tap 0, dy of tap 1 ...
        weights: (parts, 9, padded_inputs, outputs).
        bias: (outputs,) float32.
        shortcut: (B, height * width, shortcuts) float16, added by a 1x1 convolution; or None.
        shortcut_weights: (parts, padded_shortcuts, outputs), the same rows for both parts.
        out: as in `store_results`; where chunk is not outputs, nothing but it.
        pooled: as in `store_results`, and so are the next four.
        level: or None.
        level_weights: or None.
        coarse: or None.
        coarse_weights: or None.
        height: px, a multiple of cell.
        width: px, a multiple of cell.
        inputs: channels of x.
        padded_inputs: at least 16.
        outputs: channels of the result.
        shortcuts: numbers of a row of the shortcut.
        padded_shortcuts: at least 16.
        level_channels: channels of the level.
        cell: px, side of the squares.
        block: pixels of a program.
        chunk: channels of the result that a program makes.
        parts: of a number.
    """
    image = tl.program_id(1).to(tl.int64)
    num_pixels = height * width
    y, column = tile_pixels(width, cell, block)
    index = y * width + column
    is_live = y < height
    x += image * num_pixels * (parts * inputs)
    offsets += image * num_pixels * 32
    channel = tl.program_id(2) * chunk + tl.arange(0, chunk)
    term = tl.arange(0, padded_inputs)
    size: tl.constexpr = padded_inputs * outputs
    result = tl.zeros((block, chunk), tl.float32)
    for tap in range(9):
        moved = offsets + index * 32 + 2 * tap
        tap_y = (y + tap // 3 - 1).to(tl.float32) + tl.load(moved, mask=is_live, other=0.0)
        tap_x = (column + tap % 3 - 1).to(tl.float32) + tl.load(moved + 1, mask=is_live, other=0.0)
        tile = _load_tap(
            x, tap_y, tap_x, is_live, height, width, inputs, padded_inputs, block, parts
        )
        place = weights + tap * size + term[:, None] * outputs + channel[None, :]
        high = tile.to(tl.float16)
        kernel = tl.load(place)
        result = tl.dot(high, kernel, result)
        if parts == 2:
            result = tl.dot((tile - high.to(tl.float32)).to(tl.float16), kernel, result)
            result = tl.dot(high, tl.load(place + 9 * size), result)
    if shortcut is not None:
        rows = shortcut + image * num_pixels * shortcuts
        joined = load_rows(rows, index, is_live, shortcuts, padded_shortcuts)
        term = tl.arange(0, padded_shortcuts)
        place = shortcut_weights + term[:, None] * outputs + channel[None, :]
        for part in tl.static_range(parts):
            kernel = tl.load(place + part * padded_shortcuts * outputs)
            result = tl.dot(joined, kernel, result)
    result = selu(result * WEIGHT_UNIT + tl.load(bias + channel)[None, :])
    if chunk < outputs:
        place = out + (image * num_pixels + index)[:, None] * (parts * outputs) + channel[None, :]
        high = result.to(tl.float16)
        tl.store(place, high, mask=is_live[:, None])
        if parts == 2:
            low = (result - high.to(tl.float32)).to(tl.float16)
            tl.store(place + outputs, low, mask=is_live[:, None])
    else:
        store_results(
            result, index, is_live, image, num_pixels,
            out, pooled, level, level_weights, coarse, coarse_weights,
            outputs, outputs, level_channels, cell, block, parts,
        )  # fmt: skip
