"""Mutual nearest neighbours without a similarity matrix in memory, in one launch."""

from __future__ import annotations

import triton
import triton.language as tl

_NO_ROW = tl.constexpr(2147483647)
NO_KEY = tl.constexpr(-(2**63))  # lower than the key of any pair


@triton.jit
def _key(similarity, number):
    """Return int64 that are higher for a higher similarity, then for a lower number."""
    similarity = tl.where(similarity == 0.0, 0.0, similarity)  # -0 and 0 are equal
    bits = similarity.to(tl.int32, bitcast=True)
    order = bits ^ ((bits >> 31) & _NO_ROW)
    return (order.to(tl.int64) << 32) + (number ^ _NO_ROW).to(tl.int64)


@triton.jit
def _number_of(key):
    """Return the number that is in a key."""
    return (key & _NO_ROW).to(tl.int32) ^ _NO_ROW


@triton.jit
def _similarity_of(key):
    """Return the similarity that is in a key."""
    order = (key >> 32).to(tl.int32)
    return (order ^ ((order >> 31) & _NO_ROW)).to(tl.float32, bitcast=True)


@triton.jit(do_not_specialize=["num0", "num1"])
def match_tiles(
    descriptors0, descriptors1, keys0, keys1, ticket, matches, similarities, count,
    num0, num1, min_similarity,
    dim: tl.constexpr, padded: tl.constexpr, block: tl.constexpr, depth: tl.constexpr,
    wide: tl.constexpr,
):  # fmt: skip
    """Compare a block of descriptors 0 with one of descriptors 1; the last program finds the pairs.

    Args:
        descriptors0: (num0, dim) float32, numbers below 1000.
        descriptors1: (num1, dim) float32, likewise.
        keys0: (num0,) int64, of each 0 the best of all 1; NO_KEY before, and again after.
        keys1: (num1,) int64, of each 1 the best of all 0; likewise.
        ticket: (1,) int32, how many programs are done; 0 before, and again after.
        matches: (num0, 2) int64, the result: pairs that are each other's nearest, the first of
            equals, in the order of descriptors 0.
        similarities: (num0,) float32, the result.
        count: (1,) int32, rows of the result; may be in page-locked host memory.
        num0: descriptors of image 0.
        num1: descriptors of image 1.
        min_similarity: pairs below are left out.
        dim: numbers of a descriptor.
        padded: a multiple of depth, at least dim.
        block: descriptors of a block, on both sides.
        depth: numbers at a time.
        wide: pairs at a time.
    """
    row = tl.program_id(0) * block + tl.arange(0, block)
    column = tl.program_id(1) * block + tl.arange(0, block)
    similarity = _compare(
        descriptors0, descriptors1, row, column, num0, num1, dim, padded, block, depth
    )
    is_pair = (row < num0)[:, None] & (column < num1)[None, :]
    similarity = tl.where(is_pair, similarity, float("-inf"))
    # Where there are NaN, nothing equals the best.
    best = tl.max(similarity, axis=1)
    is_best = is_pair & (similarity == best[:, None])
    nearest = tl.min(tl.where(is_best, column[None, :], _NO_ROW), axis=1)
    is_found = nearest != _NO_ROW
    tl.atomic_max(keys0 + row, _key(best, nearest), mask=is_found, sem="relaxed")
    best = tl.max(similarity, axis=0)
    is_best = is_pair & (similarity == best[None, :])
    nearest = tl.min(tl.where(is_best, row[:, None], _NO_ROW), axis=0)
    is_found = nearest != _NO_ROW
    tl.atomic_max(keys1 + column, _key(best, nearest), mask=is_found, sem="relaxed")
    # All threads of the program are through; then one says so, and sees what the others have done.
    tl.debug_barrier()
    place = tl.atomic_add(ticket, 1, sem="acq_rel")
    if place == tl.num_programs(0) * tl.num_programs(1) - 1:
        _keep_mutual(keys0, keys1, matches, similarities, count, num0, num1, min_similarity, wide)
        tl.debug_barrier()
        _clear(keys0, num0, wide)
        _clear(keys1, num1, wide)
        tl.store(ticket, 0)


@triton.jit
def _compare(
    descriptors0, descriptors1, row, column, num0, num1,
    dim: tl.constexpr, padded: tl.constexpr, block: tl.constexpr, depth: tl.constexpr,
):  # fmt: skip
    """Return (block, block) float32, products of the rows with the columns."""
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
    return similarity * (1.0 / 4096.0)


@triton.jit
def _keep_mutual(
    keys0, keys1, matches, similarities, count, num0, num1, min_similarity, wide: tl.constexpr
):  # fmt: skip
    """Write the pairs that are each other's nearest, in the order of descriptors 0."""
    total = 0
    for first in range(0, num0, wide):
        row = first + tl.arange(0, wide)
        key = tl.load(keys0 + row, mask=row < num0, other=NO_KEY, volatile=True)
        partner = _number_of(key)
        is_found = (row < num0) & (key != NO_KEY) & (partner >= 0) & (partner < num1)
        back = tl.load(keys1 + partner, mask=is_found, other=NO_KEY, volatile=True)
        value = _similarity_of(key)
        is_match = is_found & (_number_of(back) == row) & (value >= min_similarity)
        kept = is_match.to(tl.int32)
        slot = total + tl.cumsum(kept, axis=0) - 1
        tl.store(matches + slot * 2, row.to(tl.int64), mask=is_match)
        tl.store(matches + slot * 2 + 1, partner.to(tl.int64), mask=is_match)
        tl.store(similarities + slot, value, mask=is_match)
        total += tl.sum(kept, axis=0)
    tl.store(count, total)


@triton.jit
def _clear(keys, num, wide: tl.constexpr):
    """Set keys to what they were before."""
    none = tl.full((wide,), NO_KEY, tl.int64)
    for first in range(0, num, wide):
        row = first + tl.arange(0, wide)
        tl.store(keys + row, none, mask=row < num)
