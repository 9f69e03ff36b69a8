"""Ordinary 3x3 convolutions: of the image, and of feature maps with all that follows them."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.kernels.outputs import store_results
from aliked_ros.inference.cuda.kernels.tiles import (
    WEIGHT_UNIT,
    load_matrix,
    load_rows,
    selu,
    store_parts,
    store_rows,
    tile_pixels,
)


@triton.jit(do_not_specialize=["height", "width", "top", "left", "padded_height", "padded_width"])
def convolve_image(
    pixels, weights, bias, varies, out,
    height, width, top, left, padded_height, padded_width,
    channels: tl.constexpr, outputs: tl.constexpr, padded_outputs: tl.constexpr,
    block: tl.constexpr, parts: tl.constexpr,
):  # fmt: skip
    """Pad an image by repeating its border, convolve it, and see whether it has any texture.

    Args:
        pixels: (B, height, width, channels) uint8.
        weights: (parts, 32, padded_outputs), rows 3 * tap + channel, then zeros.
        bias: (padded_outputs,) float32.
        varies: (B,) int32, set to 1 where a pixel differs from the first one.
        out: (B, padded_height * padded_width, parts, outputs) float16, after SELU.
        height: of the image; top rows of padding come before it.
        width: of the image; left columns of padding come before it.
        top: px.
        left: px.
        padded_height: of the map; zeros surround it.
        padded_width: of the map.
        channels: 1 or 3.
        outputs: channels of the result.
        padded_outputs: at least 16.
        block: pixels of a program.
        parts: of a number.
    """
    image = tl.program_id(1).to(tl.int64)
    pixels += image * height * width * channels
    index = tl.program_id(0) * block + tl.arange(0, block)
    y, x = index // padded_width, index % padded_width
    term = tl.arange(0, 32)
    tap, channel = term // channels, term % channels
    tap_y = y[:, None] + (tap // 3 - 1)[None, :]
    tap_x = x[:, None] + (tap % 3 - 1)[None, :]
    is_inside = (tap_y >= 0) & (tap_y < padded_height) & (tap_x >= 0) & (tap_x < padded_width)
    is_inside = is_inside & (tap < 9)[None, :]
    row = tl.minimum(tl.maximum(tap_y - top, 0), height - 1)
    column = tl.minimum(tl.maximum(tap_x - left, 0), width - 1)
    place = (row * width + column) * channels + channel[None, :]
    value = tl.load(pixels + place, mask=is_inside, other=0)
    first = tl.load(pixels + channel)
    differs = (is_inside & (value != first[None, :])).to(tl.int32)
    any_differs = tl.max(tl.max(differs, axis=1), axis=0)
    tl.store(varies + image, 1, mask=any_differs > 0)
    tile = value.to(tl.float16)  # exact: there is no second part
    result = tl.dot(tile, load_matrix(weights, 32, padded_outputs))
    if parts == 2:
        second = load_matrix(weights + 32 * padded_outputs, 32, padded_outputs)
        result = tl.dot(tile, second, result)
    bias_row = tl.load(bias + tl.arange(0, padded_outputs))[None, :]
    result = selu(result * (WEIGHT_UNIT / 255.0) + bias_row)
    num_pixels = padded_height * padded_width
    out += image * num_pixels * (parts * outputs)
    store_parts(out, index, index < num_pixels, result, outputs, padded_outputs, parts)


@triton.jit(do_not_specialize=["height", "width"])
def convolve(
    x, weights, bias, shortcut, shortcut_weights,
    out, pooled, level, level_weights, coarse, coarse_weights,
    height, width,
    inputs: tl.constexpr, padded_inputs: tl.constexpr,
    outputs: tl.constexpr, padded_outputs: tl.constexpr,
    shortcuts: tl.constexpr, padded_shortcuts: tl.constexpr,
    level_channels: tl.constexpr, cell: tl.constexpr,
    block: tl.constexpr, parts: tl.constexpr,
):  # fmt: skip
    """Convolve a map with zeros around it; then SELU, and what is asked for of the result.

    Args:
        x: (B, height * width, inputs) float16, rows of parts.
        weights: (parts, 9, padded_inputs, padded_outputs), the same rows for both parts of x.
        bias: (padded_outputs,) float32.
        shortcut: (B, height * width, shortcuts) float16, added by a 1x1 convolution; or None.
        shortcut_weights: (parts, padded_shortcuts, padded_outputs).
        out: as in `store_results`, and so are the next five.
        pooled: or None.
        level: or None.
        level_weights: or None.
        coarse: or None.
        coarse_weights: or None.
        height: px, a multiple of cell.
        width: px, a multiple of cell.
        inputs: numbers of a row of x.
        padded_inputs: at least 16.
        outputs: channels of the result.
        padded_outputs: at least 16.
        shortcuts: numbers of a row of the shortcut.
        padded_shortcuts: at least 16.
        level_channels: channels of the level.
        cell: px, side of the squares.
        block: pixels of a program.
        parts: of a number.
    """
    image = tl.program_id(1).to(tl.int64)
    num_pixels = height * width
    y, column = tile_pixels(width, cell, block)
    result = _convolve_tile(
        x + image * num_pixels * inputs, weights, y, column, height, width,
        inputs, padded_inputs, padded_outputs, block, parts,
    )  # fmt: skip
    index = y * width + column
    is_live = y < height
    if shortcut is not None:
        rows = shortcut + image * num_pixels * shortcuts
        tile = load_rows(rows, index, is_live, shortcuts, padded_shortcuts)
        for part in tl.static_range(parts):
            first = shortcut_weights + part * padded_shortcuts * padded_outputs
            kernel = load_matrix(first, padded_shortcuts, padded_outputs)
            result = tl.dot(tile, kernel, result)
    bias_row = tl.load(bias + tl.arange(0, padded_outputs))[None, :]
    result = selu(result * WEIGHT_UNIT + bias_row)
    store_results(
        result, index, is_live, image, num_pixels,
        out, pooled, level, level_weights, coarse, coarse_weights,
        outputs, padded_outputs, level_channels, cell, block, parts,
    )  # fmt: skip


@triton.jit
def _convolve_tile(
    x, weights, y, column, height, width,
    inputs: tl.constexpr, padded_inputs: tl.constexpr, outputs: tl.constexpr,
    block: tl.constexpr, parts: tl.constexpr,
):  # fmt: skip
    """Return (block, outputs) float32, the convolution at pixels y, column, 256 times too large."""
    result = tl.zeros((block, outputs), tl.float32)
    for tap in range(9):
        tap_y, tap_x = y + tap // 3 - 1, column + tap % 3 - 1
        is_inside = (tap_y >= 0) & (tap_y < height) & (tap_x >= 0) & (tap_x < width)
        tile = load_rows(x, tap_y * width + tap_x, is_inside, inputs, padded_inputs)
        for part in tl.static_range(parts):
            first = weights + (part * 9 + tap) * (padded_inputs * outputs)
            result = tl.dot(tile, load_matrix(first, padded_inputs, outputs), result)
    return result


@triton.jit(do_not_specialize=["height", "width"])
def convolve_to_offsets(
    x, weights, bias, offsets, height, width, limit,
    inputs: tl.constexpr, padded_inputs: tl.constexpr, outputs: tl.constexpr,
    block: tl.constexpr, parts: tl.constexpr,
):  # fmt: skip
    """Predict how far the taps of a deformable convolution move.

    Args:
        x: (B, height * width, inputs) float16, rows of parts.
        weights: (parts, 9, padded_inputs, outputs).
        bias: (outputs,) float32.
        offsets: (B, height * width, outputs) float32, px, the result.
        height: px.
        width: px.
        limit: px, the largest offset along an axis.
        inputs: numbers of a row of x.
        padded_inputs: at least 16.
        outputs: 18, filled up to 32.
        block: pixels of a program.
        parts: of a number.
    """
    image = tl.program_id(1).to(tl.int64)
    num_pixels = height * width
    y, column = tile_pixels(width, 1, block)
    result = _convolve_tile(
        x + image * num_pixels * inputs, weights, y, column, height, width,
        inputs, padded_inputs, outputs, block, parts,
    )  # fmt: skip
    result = result * WEIGHT_UNIT + tl.load(bias + tl.arange(0, outputs))[None, :]
    result = tl.minimum(tl.maximum(result, -limit), limit)
    rows = offsets + image * num_pixels * outputs
    store_rows(rows, y * width + column, y < height, result, outputs)
