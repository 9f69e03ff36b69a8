"""Eight channels of each level to the score map: the part of the score head after its 1x1."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.kernels.sampling import upsample
from aliked_ros.inference.cuda.kernels.tiles import selu


@triton.jit(do_not_specialize=["height", "width"])
def add_levels(fine, half, eighth, last, out, height, width, block: tl.constexpr):
    """Add the parts of the four levels, the coarse ones upsampled; then SELU.

    Args:
        fine: (B, height * width, 8) float32, at 1/1.
        half: (B, height * width / 4, 8), at 1/2.
        eighth: (B, height * width / 64, 8), at 1/8.
        last: (B, height * width / 1024, 8), at 1/32.
        out: (B, 8, height, width) float32.
        height: of the padded image, px, a multiple of 32.
        width: of the padded image, px, a multiple of 32.
        block: pixels of a program.
    """
    image = tl.program_id(1).to(tl.int64)
    num_pixels = height * width
    index = tl.program_id(0) * block + tl.arange(0, block)
    y, x = index // width, index % width
    channel = tl.arange(0, 8)
    is_live = (index < num_pixels)[:, None]
    fine += image * num_pixels * 8
    total = tl.load(fine + index[:, None] * 8 + channel[None, :], mask=is_live, other=0.0)
    # Pixels behind the last one read the last row of each level.
    y = tl.minimum(y, height - 1)
    total += upsample(half + image * (num_pixels // 4) * 8, y, x, height, width, 2, 8)
    total += upsample(eighth + image * (num_pixels // 64) * 8, y, x, height, width, 8, 8)
    total += upsample(last + image * (num_pixels // 1024) * 8, y, x, height, width, 32, 8)
    out += image * num_pixels * 8
    tl.store(out + channel[None, :] * num_pixels + index[:, None], selu(total), mask=is_live)


@triton.jit
def _convolve_tile(
    planes, weights, y, x, height, width,
    inputs: tl.constexpr, outputs: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Return (outputs, block), a 3x3 convolution of planes (inputs, height, width)."""
    output = tl.arange(0, outputs)
    result = tl.zeros((outputs, block), tl.float32)
    for plane in range(inputs):
        for tap in tl.static_range(9):
            tap_y, tap_x = y + (tap // 3 - 1), x + (tap % 3 - 1)
            is_inside = (tap_y >= 0) & (tap_y < height) & (tap_x >= 0) & (tap_x < width)
            place = (plane * height + tap_y) * width + tap_x
            value = tl.load(planes + place, mask=is_inside, other=0.0)
            weight = tl.load(weights + (plane * 9 + tap) * outputs + output)
            result += weight[:, None] * value[None, :]
    return result


@triton.jit(do_not_specialize=["height", "width"])
def convolve_planes(
    planes, weights, out, height, width,
    inputs: tl.constexpr, outputs: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Convolve planes with zeros around them; then SELU.

    Args:
        planes: (B, inputs, height, width) float32.
        weights: (inputs, 9, outputs) float32.
        out: (B, outputs, height, width) float32.
        height: px.
        width: px.
        inputs: planes that come in.
        outputs: planes that go out.
        block: pixels of a program.
    """
    image = tl.program_id(1).to(tl.int64)
    num_pixels = height * width
    index = tl.program_id(0) * block + tl.arange(0, block)
    y, x = index // width, index % width
    planes += image * inputs * num_pixels
    result = _convolve_tile(planes, weights, y, x, height, width, inputs, outputs, block)
    place = out + image * outputs * num_pixels + tl.arange(0, outputs)[:, None] * num_pixels
    tl.store(place + index[None, :], selu(result), mask=(index < num_pixels)[None, :])


@triton.jit(do_not_specialize=["height", "width", "top", "left", "inner_height", "inner_width"])
def convolve_to_score(
    planes, weights, score, height, width, top, left, inner_height, inner_width,
    inputs: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Convolve planes to one, take the sigmoid, and leave out the padding of the image.

    Args:
        planes: (B, inputs, height, width) float32, of the padded image.
        weights: (inputs, 9, 1) float32.
        score: (B, inner_height, inner_width) float32.
        height: px.
        width: px.
        top: px, rows of padding before the image.
        left: px, columns of padding before the image.
        inner_height: of the image, px.
        inner_width: of the image, px.
        inputs: planes that come in.
        block: pixels of a program.
    """
    image = tl.program_id(1).to(tl.int64)
    index = tl.program_id(0) * block + tl.arange(0, block)
    y, x = index // inner_width + top, index % inner_width + left
    planes += image * inputs * height * width
    logit = _convolve_tile(planes, weights, y, x, height, width, inputs, 1, block)
    num_pixels = inner_height * inner_width
    value = 1.0 / (1.0 + tl.exp(-logit))
    tl.store(score + image * num_pixels + index[None, :], value, mask=(index < num_pixels)[None, :])
