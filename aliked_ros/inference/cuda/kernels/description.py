"""Keypoints to sample positions to features there: the first half of the descriptor head."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.kernels.features import pixel_features
from aliked_ros.inference.cuda.kernels.tiles import (
    WEIGHT_UNIT,
    load_matrix,
    multiply,
    selu,
    store_parts,
)

_SIZES = [
    "capacity", "stride", "top", "left", "height", "width", "padded_height", "padded_width",
]  # fmt: skip


@triton.jit(do_not_specialize=_SIZES)
def read_patches(
    x1, level_weights, half, eighth, last, keypoints, num_found, patches,
    capacity, stride, top, left, height, width, padded_height, padded_width,
    first_length: tl.constexpr, padded: tl.constexpr, channels: tl.constexpr,
    block: tl.constexpr,
):  # fmt: skip
    """Read the unit-length features of the 3x3 pixels around each keypoint.

    Args:
        x1: (B, padded_height * padded_width, first_length) float16, the first block's output.
        level_weights: (2, padded, channels) of the finest level.
        half: (B, padded_height * padded_width / 4, channels), level at 1/2.
        eighth: level at 1/8.
        last: level at 1/32.
        keypoints: (B, capacity, 2) float32, px.
        num_found: (B,) int32, how many of them count.
        patches: (B, capacity * 9, 2, 4 * channels) float16, the result, pixels row by row.
        capacity: rows of keypoints.
        stride: numbers from one image's keypoints to the next one's.
        top: px, rows of padding before the image.
        left: px, columns of padding before the image.
        height: of the image, px.
        width: of the image, px.
        padded_height: px.
        padded_width: px.
        first_length: numbers of a row of x1.
        padded: at least 16.
        channels: of a level.
        block: pixels of a program.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64)
    count = tl.load(num_found + number) * 9
    row = tl.program_id(0) * block + tl.arange(0, block)
    if tl.program_id(0) * block < count:
        is_live = row < count
        keypoint, tap = row // 9, row % 9
        position = keypoints + image * stride + keypoint * 2
        x = tl.load(position, mask=is_live, other=0.0).to(tl.int32) + tap % 3 - 1
        y = tl.load(position + 1, mask=is_live, other=0.0).to(tl.int32) + tap // 3 - 1
        num_pixels = image * padded_height * padded_width
        part1, part2, part3, part4, scale = pixel_features(
            x1 + num_pixels * first_length, level_weights,
            half + num_pixels // 4 * channels, eighth + num_pixels // 64 * channels,
            last + num_pixels // 1024 * channels,
            y, x, is_live, top, left, height, width, padded_height, padded_width,
            first_length, padded, channels, block,
        )  # fmt: skip
        scale = scale[:, None]
        first = patches + image * capacity * (72 * channels)
        _store_part(first, row, is_live, part1 * scale, 0, channels)
        _store_part(first, row, is_live, part2 * scale, 1, channels)
        _store_part(first, row, is_live, part3 * scale, 2, channels)
        _store_part(first, row, is_live, part4 * scale, 3, channels)


@triton.jit
def _store_part(patches, row, is_live, value, number: tl.constexpr, channels: tl.constexpr):
    """Store a quarter of the features, value (block, channels), in rows (2, 4 * channels)."""
    place = patches + row[:, None] * (8 * channels) + tl.arange(0, channels)[None, :]
    place += number * channels
    high = value.to(tl.float16)
    tl.store(place, high, mask=is_live[:, None])
    low = (value - high.to(tl.float32)).to(tl.float16)
    tl.store(place + 4 * channels, low, mask=is_live[:, None])


@triton.jit(do_not_specialize=["capacity"])
def predict_offsets(
    patches, num_found, weights1, bias1, weights2, bias2, offsets, capacity, limit,
    dim: tl.constexpr, outputs: tl.constexpr, block: tl.constexpr, depth: tl.constexpr,
):  # fmt: skip
    """Predict where the samples of each keypoint lie, from its patch.

    Args:
        patches: (B, capacity * 9, 2 * dim) float16, rows of parts.
        num_found: (B,) int32, how many keypoints count.
        weights1: (2, 9, 2 * dim, outputs), the same rows for both parts.
        bias1: (outputs,) float32.
        weights2: (2, outputs, outputs).
        bias2: (outputs,) float32.
        offsets: (B, capacity, outputs) float32, px: x of all samples, then y.
        capacity: rows of keypoints.
        limit: px, the largest offset along an axis.
        dim: channels of a feature.
        outputs: two for each sample.
        block: keypoints of a program.
        depth: terms at a time; divides dim.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64)
    count = tl.load(num_found + number)
    row = tl.program_id(0) * block + tl.arange(0, block)
    if tl.program_id(0) * block < count:
        is_live = (row < count)[:, None]
        term, output = tl.arange(0, depth), tl.arange(0, outputs)
        length: tl.constexpr = 18 * dim  # of a patch: nine pixels, two parts
        first = patches + (image * capacity + row)[:, None] * length + term[None, :]
        hidden = tl.zeros((block, outputs), tl.float32)
        for step in range(0, length, depth):
            tile = tl.load(first + step, mask=is_live, other=0.0)
            for part in tl.static_range(2):
                kernel = weights1 + (part * length + step) * outputs
                hidden = tl.dot(tile, load_matrix(kernel, depth, outputs), hidden)
        hidden = selu(hidden * WEIGHT_UNIT + tl.load(bias1 + output)[None, :])
        result = tl.zeros((block, outputs), tl.float32)
        result = multiply(hidden, weights2, result, outputs, outputs, 2) * WEIGHT_UNIT
        result += tl.load(bias2 + output)[None, :]
        result = tl.minimum(tl.maximum(result, -limit), limit)
        result_place = offsets + (image * capacity + row)[:, None] * outputs + output[None, :]
        tl.store(result_place, result, mask=is_live)


@triton.jit(do_not_specialize=_SIZES)
def read_samples(
    x1, level_weights, half, eighth, last, keypoints, num_found, offsets, weights, samples,
    capacity, stride, top, left, height, width, padded_height, padded_width,
    first_length: tl.constexpr, padded: tl.constexpr, channels: tl.constexpr,
    num_samples: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Read the features at the samples of each keypoint; convolve them (1x1), SELU.

    Args:
        x1: as in `read_patches`, and so are those not named here.
        level_weights: (2, padded, channels) of the finest level.
        half: level at 1/2.
        eighth: level at 1/8.
        last: level at 1/32.
        keypoints: (B, capacity, 2) float32, px.
        num_found: (B,) int32, how many of them count.
        offsets: (B, capacity, 2 * num_samples) float32, px: x of all samples, then y.
        weights: (4, 2, channels, 4 * channels), of each quarter of the features.
        samples: (B, capacity * num_samples, 2, 4 * channels) float16, the result.
        capacity: rows of keypoints.
        stride: numbers from one image's keypoints to the next one's.
        top: px.
        left: px.
        height: px.
        width: px.
        padded_height: px.
        padded_width: px.
        first_length: numbers of a row of x1.
        padded: at least 16.
        channels: of a level.
        num_samples: of a keypoint.
        block: samples of a program.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64)
    count = tl.load(num_found + number) * num_samples
    row = tl.program_id(0) * block + tl.arange(0, block)
    if tl.program_id(0) * block < count:
        is_live = row < count
        keypoint, sample = row // num_samples, row % num_samples
        position = keypoints + image * stride + keypoint * 2
        moved = offsets + (image * capacity + keypoint) * (2 * num_samples) + sample
        x = tl.load(position, mask=is_live, other=0.0) + tl.load(moved, mask=is_live, other=0.0)
        y = tl.load(position + 1, mask=is_live, other=0.0)
        y += tl.load(moved + num_samples, mask=is_live, other=0.0)
        first_x, first_y = tl.floor(x), tl.floor(y)
        right, low = x - first_x, y - first_y
        num_pixels = image * padded_height * padded_width
        total1 = tl.zeros((block, channels), tl.float32)
        total2 = tl.zeros((block, channels), tl.float32)
        total3 = tl.zeros((block, channels), tl.float32)
        total4 = tl.zeros((block, channels), tl.float32)
        for corner in range(4):
            corner_x, corner_y = corner % 2, corner // 2
            weight = tl.where(corner_x == 1, right, 1.0 - right)
            weight *= tl.where(corner_y == 1, low, 1.0 - low)
            part1, part2, part3, part4, scale = pixel_features(
                x1 + num_pixels * first_length, level_weights,
                half + num_pixels // 4 * channels, eighth + num_pixels // 64 * channels,
                last + num_pixels // 1024 * channels,
                first_y.to(tl.int32) + corner_y, first_x.to(tl.int32) + corner_x, is_live,
                top, left, height, width, padded_height, padded_width,
                first_length, padded, channels, block,
            )  # fmt: skip
            weight = (weight * scale)[:, None]
            total1 += weight * part1
            total2 += weight * part2
            total3 += weight * part3
            total4 += weight * part4
        dim: tl.constexpr = 4 * channels
        size: tl.constexpr = 2 * channels * dim
        result = tl.zeros((block, dim), tl.float32)
        result = multiply(total1, weights, result, channels, dim, 2)
        result = multiply(total2, weights + size, result, channels, dim, 2)
        result = multiply(total3, weights + 2 * size, result, channels, dim, 2)
        result = multiply(total4, weights + 3 * size, result, channels, dim, 2)
        first = samples + image * capacity * num_samples * (2 * dim)
        store_parts(first, row, is_live, selu(result * WEIGHT_UNIT), dim, dim, 2)
