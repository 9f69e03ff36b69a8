"""Keypoints to sample positions to features there: the first half of the descriptor head."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.features import pixel_features
from aliked_ros.inference.cuda.tiles import load_matrix, selu

_SIZES = [
    "capacity", "stride", "top", "left", "height", "width", "padded_height", "padded_width",
]  # fmt: skip


@triton.jit(do_not_specialize=_SIZES)
def read_patches(
    x1, level_weights, half, eighth, last, keypoints, num_found, patches,
    capacity, stride, top, left, height, width, padded_height, padded_width,
    first_channels: tl.constexpr, padded: tl.constexpr, channels: tl.constexpr,
    block: tl.constexpr, precision: tl.constexpr,
):  # fmt: skip
    """Read the unit-length features of the 3x3 pixels around each keypoint.

    Args:
        x1: (B, padded_height * padded_width, first_channels), the first block's output.
        level_weights: (padded, channels) of the finest level.
        half: (B, padded_height * padded_width / 4, channels), level at 1/2.
        eighth: level at 1/8.
        last: level at 1/32.
        keypoints: (B, capacity, 2) float32, px.
        num_found: (B,) int32, how many of them count.
        patches: (B, capacity * 9, 4 * channels) float32, the result, pixels row by row.
        capacity: rows of keypoints.
        stride: numbers from one image's keypoints to the next one's.
        top: px, rows of padding before the image.
        left: px, columns of padding before the image.
        height: of the image, px.
        width: of the image, px.
        padded_height: px.
        padded_width: px.
        first_channels: of x1.
        padded: at least 16.
        channels: of a level.
        block: pixels of a program.
        precision: of float32 products.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64)
    count = tl.load(num_found + number) * 9
    row = tl.program_id(0) * block + tl.arange(0, block)
    if tl.program_id(0) * block < count:
        is_live = row < count
        keypoint, tap = row // 9, row % 9
        place = keypoints + image * stride + keypoint * 2
        x = tl.load(place, mask=is_live, other=0.0).to(tl.int32) + tap % 3 - 1
        y = tl.load(place + 1, mask=is_live, other=0.0).to(tl.int32) + tap // 3 - 1
        num_pixels = image * padded_height * padded_width
        part1, part2, part3, part4, scale = pixel_features(
            x1 + num_pixels * first_channels, level_weights,
            half + num_pixels // 4 * channels, eighth + num_pixels // 64 * channels,
            last + num_pixels // 1024 * channels,
            y, x, is_live, top, left, height, width, padded_height, padded_width,
            first_channels, padded, channels, precision,
        )  # fmt: skip
        scale = scale[:, None]
        patches += (image * capacity * 9 + row)[:, None] * (4 * channels)
        patches += tl.arange(0, channels)[None, :]
        mask = is_live[:, None]
        tl.store(patches, part1 * scale, mask=mask)
        tl.store(patches + channels, part2 * scale, mask=mask)
        tl.store(patches + 2 * channels, part3 * scale, mask=mask)
        tl.store(patches + 3 * channels, part4 * scale, mask=mask)


@triton.jit(do_not_specialize=["capacity"])
def predict_offsets(
    patches, num_found, weights1, bias1, weights2, bias2, offsets, capacity, limit,
    dim: tl.constexpr, outputs: tl.constexpr, block: tl.constexpr, precision: tl.constexpr,
):  # fmt: skip
    """Predict where the samples of each keypoint lie, from its patch.

    Args:
        patches: (B, capacity * 9, dim) float32.
        num_found: (B,) int32, how many keypoints count.
        weights1: (9, dim, outputs).
        bias1: (outputs,) float32.
        weights2: (outputs, outputs).
        bias2: (outputs,) float32.
        offsets: (B, capacity, outputs) float32, px: x of all samples, then y.
        capacity: rows of keypoints.
        limit: px, the largest offset along an axis.
        dim: channels of a feature.
        outputs: two for each sample.
        block: keypoints of a program.
        precision: of float32 products.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64)
    count = tl.load(num_found + number)
    row = tl.program_id(0) * block + tl.arange(0, block)
    if tl.program_id(0) * block < count:
        is_live = (row < count)[:, None]
        term, output = tl.arange(0, dim), tl.arange(0, outputs)
        patches += image * capacity * 9 * dim
        hidden = tl.zeros((block, outputs), tl.float32)
        for tap in range(9):
            place = patches + (row * 9 + tap)[:, None] * dim + term[None, :]
            tile = tl.load(place, mask=is_live, other=0.0)
            kernel = load_matrix(weights1 + tap * dim * outputs, dim, outputs)
            hidden = tl.dot(tile.to(kernel.dtype), kernel, hidden, input_precision=precision)
        hidden = selu(hidden + tl.load(bias1 + output)[None, :])
        kernel = load_matrix(weights2, outputs, outputs)
        result = tl.dot(hidden.to(kernel.dtype), kernel, input_precision=precision)
        result += tl.load(bias2 + output)[None, :]
        result = tl.minimum(tl.maximum(result, -limit), limit)
        place = offsets + (image * capacity + row)[:, None] * outputs + output[None, :]
        tl.store(place, result, mask=is_live)


@triton.jit(do_not_specialize=_SIZES)
def read_samples(
    x1, level_weights, half, eighth, last, keypoints, num_found, offsets, weights, samples,
    capacity, stride, top, left, height, width, padded_height, padded_width,
    first_channels: tl.constexpr, padded: tl.constexpr, channels: tl.constexpr,
    num_samples: tl.constexpr, block: tl.constexpr, precision: tl.constexpr,
):  # fmt: skip
    """Read the features at the samples of each keypoint; convolve them (1x1), SELU.

    Args:
        x1: as in `read_patches`, and so are those not named here.
        level_weights: (padded, channels) of the finest level.
        half: level at 1/2.
        eighth: level at 1/8.
        last: level at 1/32.
        keypoints: (B, capacity, 2) float32, px.
        num_found: (B,) int32, how many of them count.
        offsets: (B, capacity, 2 * num_samples) float32, px: x of all samples, then y.
        weights: (4 * channels, 4 * channels).
        samples: (B, capacity * num_samples, 4 * channels), the result.
        capacity: rows of keypoints.
        stride: numbers from one image's keypoints to the next one's.
        top: px.
        left: px.
        height: px.
        width: px.
        padded_height: px.
        padded_width: px.
        first_channels: of x1.
        padded: at least 16.
        channels: of a level.
        num_samples: of a keypoint.
        block: samples of a program.
        precision: of float32 products.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64)
    count = tl.load(num_found + number) * num_samples
    row = tl.program_id(0) * block + tl.arange(0, block)
    if tl.program_id(0) * block < count:
        is_live = row < count
        keypoint, sample = row // num_samples, row % num_samples
        place = keypoints + image * stride + keypoint * 2
        moved = offsets + (image * capacity + keypoint) * (2 * num_samples) + sample
        x = tl.load(place, mask=is_live, other=0.0) + tl.load(moved, mask=is_live, other=0.0)
        y = tl.load(place + 1, mask=is_live, other=0.0)
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
                x1 + num_pixels * first_channels, level_weights,
                half + num_pixels // 4 * channels, eighth + num_pixels // 64 * channels,
                last + num_pixels // 1024 * channels,
                first_y.to(tl.int32) + corner_y, first_x.to(tl.int32) + corner_x, is_live,
                top, left, height, width, padded_height, padded_width,
                first_channels, padded, channels, precision,
            )  # fmt: skip
            weight = (weight * scale)[:, None]
            total1 += weight * part1
            total2 += weight * part2
            total3 += weight * part3
            total4 += weight * part4
        dim: tl.constexpr = 4 * channels
        size: tl.constexpr = channels * dim
        term, output = tl.arange(0, channels), tl.arange(0, dim)
        place = weights + term[:, None] * dim + output[None, :]
        kernel = tl.load(place)
        result = tl.dot(total1.to(kernel.dtype), kernel, input_precision=precision)
        kernel = tl.load(place + size)
        result = tl.dot(total2.to(kernel.dtype), kernel, result, input_precision=precision)
        kernel = tl.load(place + 2 * size)
        result = tl.dot(total3.to(kernel.dtype), kernel, result, input_precision=precision)
        kernel = tl.load(place + 3 * size)
        result = tl.dot(total4.to(kernel.dtype), kernel, result, input_precision=precision)
        first = (image * capacity * num_samples + row)[:, None] * dim
        tl.store(samples + first + output[None, :], selu(result), mask=is_live[:, None])
