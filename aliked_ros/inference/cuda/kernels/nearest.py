"""Mutual nearest neighbours without a similarity matrix in memory."""

from __future__ import annotations

import triton
import triton.language as tl

_NO_ROW = tl.constexpr(2147483647)


@triton.jit(do_not_specialize=["num0", "num1", "blocks0", "blocks1"])
def compare_tiles(
    descriptors0, descriptors1, best0, nearest1, best1, nearest0,
    num0, num1, blocks0, blocks1,
    dim: tl.constexpr, padded: tl.constexpr, block: tl.constexpr, depth: tl.constexpr,
):  # fmt: skip
    """Compare a block of descriptors 0 with one of descriptors 1: the best of each row and column.

    Args:
        descriptors0: (num0, dim) float32, numbers below 1000.
        descriptors1: (num1, dim) float32, likewise.
        best0: (num0, blocks1) float32, similarity of each 0 to the nearest 1 of a block.
        nearest1: (num0, blocks1) int32, that 1, the first of equals.
        best1: (num1, blocks0) float32, similarity of each 1 to the nearest 0 of a block.
        nearest0: (num1, blocks0) int32, that 0, the first of equals.
        num0: descriptors of image 0.
        num1: descriptors of image 1.
        blocks0: blocks of image 0.
        blocks1: blocks of image 1.
        dim: numbers of a descriptor.
        padded: a multiple of depth, at least dim.
        block: descriptors of a block, on both sides.
        depth: numbers at a time.
    """
    block0, block1 = tl.program_id(0), tl.program_id(1)
    row = block0 * block + tl.arange(0, block)
    column = block1 * block + tl.arange(0, block)
    similarity = tl.zeros((block, block), tl.float32)
    for first in range(0, padded, depth):
        term = first + tl.arange(0, depth)
        left = tl.load(
            descriptors0 + row[:, None] * dim + term[None, :],
            mask=(row < num0)[:, None] & (term < dim)[None, :], other=0.0,
        )  # fmt: skip
        right = tl.load(
            descriptors1 + column[None, :] * dim + term[:, None],
            mask=(column < num1)[None, :] & (term < dim)[:, None], other=0.0,
        )  # fmt: skip
        # In two parts of float16 each, 64 times too large; see `tiles`.
        left, right = left * 64.0, right * 64.0
        high0, high1 = left.to(tl.float16), right.to(tl.float16)
        low0 = (left - high0.to(tl.float32)).to(tl.float16)
        low1 = (right - high1.to(tl.float32)).to(tl.float16)
        similarity = tl.dot(low0, high1, similarity)
        similarity = tl.dot(high0, low1, similarity)
        similarity = tl.dot(high0, high1, similarity)
    similarity = similarity * (1.0 / 4096.0)
    is_pair = (row < num0)[:, None] & (column < num1)[None, :]
    similarity = tl.where(is_pair, similarity, float("-inf"))
    best = tl.max(similarity, axis=1)
    is_best = is_pair & (similarity == best[:, None])
    place = row * blocks1 + block1
    tl.store(best0 + place, best, mask=row < num0)
    nearest = tl.min(tl.where(is_best, column[None, :], _NO_ROW), axis=1)
    tl.store(nearest1 + place, nearest, mask=row < num0)
    best = tl.max(similarity, axis=0)
    is_best = is_pair & (similarity == best[None, :])
    place = column * blocks0 + block0
    tl.store(best1 + place, best, mask=column < num1)
    nearest = tl.min(tl.where(is_best, row[:, None], _NO_ROW), axis=0)
    tl.store(nearest0 + place, nearest, mask=column < num1)


@triton.jit
def _nearest_of_blocks(best, nearest, row, is_live, blocks, num: tl.constexpr, wide: tl.constexpr):
    """Return value and number (num,) of the best of a row's blocks, the first of equals."""
    value = tl.full((num,), float("-inf"), tl.float32)
    number = tl.full((num,), _NO_ROW, tl.int32)
    for first in range(0, blocks, wide):
        block = first + tl.arange(0, wide)
        mask = is_live[:, None] & (block < blocks)[None, :]
        place = row[:, None] * blocks + block[None, :]
        values = tl.load(best + place, mask=mask, other=float("-inf"))
        numbers = tl.load(nearest + place, mask=mask, other=_NO_ROW)
        highest = tl.max(values, axis=1)
        lowest = tl.min(tl.where(values == highest[:, None], numbers, _NO_ROW), axis=1)
        # Blocks come in the order of their numbers: an equal one later does not count.
        is_better = highest > value
        number = tl.where(is_better, lowest, number)
        value = tl.where(is_better, highest, value)
    return value, number


@triton.jit(do_not_specialize=["num0", "blocks0", "blocks1"])
def keep_mutual(
    best0, nearest1, best1, nearest0, matches, similarities, count,
    num0, blocks0, blocks1, min_similarity, block: tl.constexpr, wide: tl.constexpr,
):  # fmt: skip
    """Write the pairs that are each other's nearest, in the order of descriptors 0; one program.

    Args:
        best0: from `compare_tiles`, as the next three.
        nearest1: see there.
        best1: see there.
        nearest0: see there.
        matches: (num0, 2) int64, the result.
        similarities: (num0,) float32, the result.
        count: (1,) int32, rows of the result.
        num0: descriptors of image 0.
        blocks0: blocks of image 0.
        blocks1: blocks of image 1.
        min_similarity: pairs below are left out.
        block: descriptors at a time.
        wide: blocks at a time.
    """
    total = 0
    for first in range(0, num0, block):
        row = first + tl.arange(0, block)
        is_live = row < num0
        value, partner = _nearest_of_blocks(best0, nearest1, row, is_live, blocks1, block, wide)
        is_live &= partner != _NO_ROW  # with NaN there is none
        partner = tl.where(is_live, partner, 0)
        _, back = _nearest_of_blocks(best1, nearest0, partner, is_live, blocks0, block, wide)
        is_match = is_live & (back == row) & (value >= min_similarity)
        kept = is_match.to(tl.int32)
        slot = total + tl.cumsum(kept, axis=0) - 1
        tl.store(matches + slot * 2, row.to(tl.int64), mask=is_match)
        tl.store(matches + slot * 2 + 1, partner.to(tl.int64), mask=is_match)
        tl.store(similarities + slot, value, mask=is_match)
        total += tl.sum(kept, axis=0)
    tl.store(count, total)
