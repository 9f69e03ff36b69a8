"""Ordinary 3x3 convolutions: of the image, and of feature maps with all that follows them."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.outputs import store_results
from aliked_ros.inference.cuda.tiles import (
    load_matrix,
    load_rows,
    selu,
    store_rows,
    tile_pixels,
)


@triton.jit(do_not_specialize=["height", "width", "top", "left", "padded_height", "padded_width"])
def convolve_image(
    pixels, weights, bias, varies, out,
    height, width, top, left, padded_height, padded_width,
    channels: tl.constexpr, outputs: tl.constexpr, padded_outputs: tl.constexpr,
    block: tl.constexpr, precision: tl.constexpr,
):  # fmt: skip
    """Pad an image by repeating its border, convolve it, and see whether it has any texture.

    Args:
        pixels: (B, height, width, channels) uint8.
        weights: (32, padded_outputs), rows 3 * tap + channel of pixels / 256, then zeros.
        bias: (padded_outputs,) float32.
        varies: (B,) int32, set to 1 where a pixel differs from the first one.
        out: (B, padded_height * padded_width, outputs), after SELU.
        height: of the image; top rows of padding come before it.
        width: of the image; left columns of padding come before it.
        top: px.
        left: px.
        padded_height: of the map; zeros surround it.
        padded_width: of the map.
        channels: 1 or 3.
        outputs: channels of the result.
        padded_outputs: at least 16.
        block: pixels of a program; the padded image has a whole number of blocks.
        precision: of float32 products.
    """
    image = tl.program_id(1).to(tl.int64)
    pixels += image * height * width * channels
    out += image * padded_height * padded_width * outputs
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
    # 256 and not 255: so the numbers are exact in any precision.
    kernel = load_matrix(weights, 32, padded_outputs)
    tile = (value.to(tl.float32) * (1.0 / 256.0)).to(kernel.dtype)
    result = tl.dot(tile, kernel, input_precision=precision)
    result = selu(result + tl.load(bias + tl.arange(0, padded_outputs))[None, :])
    store_rows(out, index, index < padded_height * padded_width, result, outputs, padded_outputs)


@triton.jit(do_not_specialize=["height", "width"])
def convolve(
    x, weights, bias, shortcut, shortcut_weights,
    out, pooled, level, level_weights, coarse, coarse_weights,
    height, width,
    inputs: tl.constexpr, padded_inputs: tl.constexpr,
    outputs: tl.constexpr, padded_outputs: tl.constexpr,
    shortcuts: tl.constexpr, padded_shortcuts: tl.constexpr,
    level_channels: tl.constexpr, cell: tl.constexpr, is_linear: tl.constexpr,
    block: tl.constexpr, precision: tl.constexpr,
):  # fmt: skip
    """Convolve a map with zeros around it; then SELU, and what is asked for of the result.

    Args:
        x: (B, height * width, inputs).
        weights: (9, padded_inputs, padded_outputs).
        bias: (padded_outputs,) float32.
        shortcut: (B, height * width, shortcuts) that a 1x1 convolution adds; or None.
        shortcut_weights: (padded_shortcuts, padded_outputs).
        out: (B, height * width, outputs); or None.
        pooled: (B, height * width / cell^2, outputs), means of squares; or None.
        level: (B, height * width, level_channels), a level of the pyramid; or None.
        level_weights: (padded_outputs, level_channels).
        coarse: (B, height * width, 8) float32, the level's part of the score head; or None.
        coarse_weights: (level_channels, 8).
        height: px, a multiple of cell.
        width: px, a multiple of cell.
        inputs: channels of x, padded_inputs with those to fill up; the others likewise.
        padded_inputs: at least 16.
        outputs: channels of the result.
        padded_outputs: at least 16.
        shortcuts: channels of the shortcut.
        padded_shortcuts: at least 16.
        level_channels: channels of the level.
        cell: px, side of the squares.
        is_linear: no SELU.
        block: pixels of a program.
        precision: of float32 products.
    """
    image = tl.program_id(1).to(tl.int64)
    num_pixels = height * width
    y, column = tile_pixels(width, cell, block)
    index = y * width + column
    is_live = y < height
    x += image * num_pixels * inputs
    result = tl.zeros((block, padded_outputs), tl.float32)
    for tap in range(9):
        tap_y, tap_x = y + tap // 3 - 1, column + tap % 3 - 1
        is_inside = (tap_y >= 0) & (tap_y < height) & (tap_x >= 0) & (tap_x < width)
        tile = load_rows(x, tap_y * width + tap_x, is_inside, inputs, padded_inputs)
        kernel = load_matrix(
            weights + tap * padded_inputs * padded_outputs, padded_inputs, padded_outputs
        )
        result = tl.dot(tile, kernel, result, input_precision=precision)
    if shortcut is not None:
        shortcut += image * num_pixels * shortcuts
        tile = load_rows(shortcut, index, is_live, shortcuts, padded_shortcuts)
        kernel = load_matrix(shortcut_weights, padded_shortcuts, padded_outputs)
        result = tl.dot(tile, kernel, result, input_precision=precision)
    result += tl.load(bias + tl.arange(0, padded_outputs))[None, :]
    if not is_linear:
        result = selu(result)
    store_results(
        result, index, is_live, image, num_pixels,
        out, pooled, level, level_weights, coarse, coarse_weights,
        outputs, padded_outputs, level_channels, cell, block, precision,
    )  # fmt: skip
