"""Sampled features to descriptors: the second half of the descriptor head."""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.kernels.tiles import WEIGHT_UNIT


@triton.jit(do_not_specialize=["capacity"])
def aggregate(
    samples, num_found, weights, parts, capacity,
    dim: tl.constexpr, terms: tl.constexpr, num_parts: tl.constexpr,
    block: tl.constexpr, depth: tl.constexpr,
):  # fmt: skip
    """Multiply the samples of each keypoint with the weights, each program a part of the terms.

    The product has few rows and many terms; in parts it keeps all of a GPU at work.

    Args:
        samples: (B, capacity, terms / dim, 2, dim) float16.
        num_found: (B,) int32, how many keypoints count.
        weights: (2, terms, dim).
        parts: (num_parts, B, capacity, dim) float32; their sum is the product.
        capacity: rows of keypoints.
        dim: channels of a descriptor.
        terms: samples of a keypoint times dim.
        num_parts: divides terms / depth.
        block: keypoints of a program.
        depth: terms at a time; divides dim.
    """
    number, part = tl.program_id(1), tl.program_id(2)
    image = number.to(tl.int64)
    count = tl.load(num_found + number)
    row = tl.program_id(0) * block + tl.arange(0, block)
    if tl.program_id(0) * block < count:
        is_live = (row < count)[:, None]
        term, output = tl.arange(0, depth), tl.arange(0, dim)
        left = samples + (image * capacity + row)[:, None] * (2 * terms) + term[None, :]
        right = weights + term[:, None] * dim + output[None, :]
        result = tl.zeros((block, dim), tl.float32)
        share: tl.constexpr = terms // num_parts
        for step in range(0, share, depth):
            first = part * share + step
            place = left + first + first // dim * dim  # each sample has its second part behind it
            high = tl.load(place, mask=is_live, other=0.0)
            low = tl.load(place + dim, mask=is_live, other=0.0)
            kernel = tl.load(right + first * dim)
            result = tl.dot(high, kernel, result)
            result = tl.dot(low, kernel, result)
            result = tl.dot(high, tl.load(right + (terms + first) * dim), result)
        result = result * WEIGHT_UNIT
        start = (part * tl.num_programs(1) + image) * capacity
        tl.store(parts + (start + row)[:, None] * dim + output[None, :], result, mask=is_live)


@triton.jit(do_not_specialize=["capacity", "stride"])
def normalise(
    parts, num_found, descriptors, capacity, stride,
    dim: tl.constexpr, num_parts: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Add the parts and scale each descriptor to length 1.

    Args:
        parts: (num_parts, B, capacity, dim) float32, from `aggregate`.
        num_found: (B,) int32, how many keypoints count.
        descriptors: (B, capacity, dim) float32, the result.
        capacity: rows of keypoints.
        stride: numbers from one image's descriptors to the next one's.
        dim: channels of a descriptor.
        num_parts: how many there are.
        block: keypoints of a program.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64)
    count = tl.load(num_found + number)
    row = tl.program_id(0) * block + tl.arange(0, block)
    if tl.program_id(0) * block < count:
        is_live = (row < count)[:, None]
        output = tl.arange(0, dim)
        total = tl.zeros((block, dim), tl.float32)
        for part in range(num_parts):
            first = (part * tl.num_programs(1) + image) * capacity
            place = parts + (first + row)[:, None] * dim + output[None, :]
            total += tl.load(place, mask=is_live, other=0.0)
        norm = tl.maximum(tl.sqrt_rn(tl.sum(total * total, axis=1)), 1e-12)
        place = descriptors + image * stride + row[:, None] * dim + output[None, :]
        tl.store(place, total / norm[:, None], mask=is_live)
