"""Candidates to keypoints: the best ones, refined, in the order of their scores.

Places in the order are found by counting what comes before: exact, whatever the list's order, with
no sorting. The list holds hardly more than are taken, unless very many have equal scores.
"""

from __future__ import annotations

import triton
import triton.language as tl

from aliked_ros.inference.cuda.kernels.peaks import BINS, TALLY


@triton.jit
def _rank(
    values, ties, own, own_tie, is_own, count, limit,
    num_own: tl.constexpr, num_others: tl.constexpr,
):  # fmt: skip
    """Return (num_own,) int32: how many of a list come before; any number from limit on if more.

    Args:
        values: (count,) float32, more comes first.
        ties: (count,) int32, of equal values the lower comes first.
        own: (num_own,) float32.
        own_tie: (num_own,) int32.
        is_own: (num_own,) bool.
        count: length of the list.
        limit: counting ends when all have as many before them.
        num_own: how many are ranked.
        num_others: how many they are compared with at a time.
    """
    rank = tl.zeros((num_own,), tl.int32)
    first = 0
    is_open = 1
    while (first < count) & (is_open != 0):
        other = first + tl.arange(0, num_others)
        value = tl.load(values + other, mask=other < count, other=-1.0)[None, :]
        tie = tl.load(ties + other, mask=other < count, other=0)[None, :]
        is_before = value > own[:, None]
        is_before |= (value == own[:, None]) & (tie < own_tie[:, None])
        rank += tl.sum(is_before.to(tl.int32), axis=1)
        is_open = tl.max((is_own & (rank < limit)).to(tl.int32), axis=0)
        first += num_others
    return rank


@triton.jit
def _refine(score, y, x, is_own, width, num: tl.constexpr):
    """Return shift_x, shift_y, px, and dispersity, each (num,), of pixels inside the border."""
    place = tl.arange(0, 32)
    is_window = (place < 25)[None, :] & is_own[:, None]
    dx, dy = place % 5 - 2, place // 5 - 2
    index = (y[:, None] + dy[None, :]) * width + x[:, None] + dx[None, :]
    value = tl.load(score + index, mask=is_window, other=float("-inf")) / 0.1
    highest = tl.where(is_own, tl.max(value, axis=1), 0.0)
    weight = tl.where(is_window, tl.exp(value - highest[:, None]), 0.0)
    total = tl.where(is_own, tl.sum(weight, axis=1), 1.0)
    weight = weight / total[:, None]
    step_x, step_y = dx.to(tl.float32)[None, :], dy.to(tl.float32)[None, :]
    shift_x, shift_y = tl.sum(weight * step_x, axis=1), tl.sum(weight * step_y, axis=1)
    away_x = (step_x - shift_x[:, None]) / 2.0
    away_y = (step_y - shift_y[:, None]) / 2.0
    return shift_x, shift_y, tl.sum(weight * (away_x * away_x + away_y * away_y), axis=1)


@triton.jit
def _sample(score, y, x, is_own, height, width):
    """Return (num,), the score map between its pixels; zeros outside."""
    top, left = tl.floor(y), tl.floor(x)
    low, right = y - top, x - left
    result = tl.zeros_like(y)
    for corner in tl.static_range(4):
        row, column = top.to(tl.int32) + corner // 2, left.to(tl.int32) + corner % 2
        weight = (low if corner // 2 else 1.0 - low) * (right if corner % 2 else 1.0 - right)
        is_inside = is_own & (row >= 0) & (row < height) & (column >= 0) & (column < width)
        result += weight * tl.load(score + row * width + column, mask=is_inside, other=0.0)
    return result


@triton.jit(do_not_specialize=["height", "width", "capacity"])
def select_peaks(
    score, places, heights, tally, limit, selected, height, width, capacity,
    num_own: tl.constexpr, num_others: tl.constexpr,
):  # fmt: skip
    """Refine the highest candidates, in the order of their heights.

    Args:
        score: (B, height, width) float32.
        places: (B, height * width) int32, pixel numbers of the candidates that are kept.
        heights: (B, height * width) float32, their scores.
        tally: (B, TALLY) int32; behind the bins, how many candidates there are.
        limit: (1,) int32, how many are taken at most; not above capacity.
        selected: (B, capacity, 4) float32: x, y in px, score there, dispersity.
        height: px.
        width: px.
        capacity: rows of the result.
        num_own: candidates that a program ranks at a time.
        num_others: candidates that they are compared with at a time.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64) * height * width
    score += image
    places += image
    heights += image
    selected += number.to(tl.int64) * capacity * 4
    count = tl.minimum(tl.load(tally + number * TALLY + BINS), height * width)
    most = tl.minimum(tl.load(limit), capacity)
    for first in range(tl.program_id(0) * num_own, count, tl.num_programs(0) * num_own):
        candidate = first + tl.arange(0, num_own)
        is_own = candidate < count
        value = tl.load(heights + candidate, mask=is_own, other=0.0)
        place = tl.load(places + candidate, mask=is_own, other=0)
        rank = _rank(heights, places, value, place, is_own, count, most, num_own, num_others)
        is_own &= rank < most
        y, x = place // width, place % width
        shift_x, shift_y, dispersity = _refine(score, y, x, is_own, width, num_own)
        fine_x, fine_y = x.to(tl.float32) + shift_x, y.to(tl.float32) + shift_y
        row = selected + rank * 4
        tl.store(row, fine_x, mask=is_own)
        tl.store(row + 1, fine_y, mask=is_own)
        tl.store(row + 2, _sample(score, fine_y, fine_x, is_own, height, width), mask=is_own)
        tl.store(row + 3, dispersity, mask=is_own)


@triton.jit(do_not_specialize=["capacity", "stride"])
def order_keypoints(
    selected, counts, limit, varies, num_found, header, keypoints, scores, dispersity,
    capacity, stride, num_own: tl.constexpr, num_others: tl.constexpr,
):  # fmt: skip
    """Put the selected keypoints into the order of their scores; count them.

    Args:
        selected: (B, capacity, 4) float32, as `select_peaks` writes it.
        counts: (B,) int32, candidates.
        limit: (1,) int32, how many were taken at most.
        varies: (B,) int32; 0 in an image of one colour, which has no keypoints.
        num_found: (B,) int32, how many keypoints there are.
        header: (B) float32, the same number, first of an image's results.
        keypoints: (B, capacity, 2) float32, px.
        scores: (B, capacity) float32.
        dispersity: (B, capacity) float32.
        capacity: rows.
        stride: numbers from an image's results to the next one's, of the last four.
        num_own: keypoints of a program.
        num_others: keypoints that they are compared with at a time.
    """
    number = tl.program_id(1)
    count = tl.minimum(tl.load(counts + number), tl.load(limit))
    count = tl.where(tl.load(varies + number) != 0, count, 0)
    results = number.to(tl.int64) * stride
    if tl.program_id(0) == 0:
        tl.store(num_found + number, count)
        tl.store(header + results, count.to(tl.float32))
    selected += number.to(tl.int64) * capacity * 4
    own = tl.program_id(0) * num_own + tl.arange(0, num_own)
    is_own = own < count
    value = tl.load(selected + own * 4 + 2, mask=is_own, other=0.0)
    rank = tl.zeros((num_own,), tl.int32)
    last = tl.where(tl.program_id(0) * num_own < count, count, 0)
    for first in range(0, last, num_others):
        other = first + tl.arange(0, num_others)
        score = tl.load(selected + other * 4 + 2, mask=other < count, other=-1.0)[None, :]
        is_before = score > value[:, None]
        is_before |= (score == value[:, None]) & (other[None, :] < own[:, None])
        rank += tl.sum(is_before.to(tl.int32), axis=1)
    x = tl.load(selected + own * 4, mask=is_own, other=0.0)
    y = tl.load(selected + own * 4 + 1, mask=is_own, other=0.0)
    spread = tl.load(selected + own * 4 + 3, mask=is_own, other=0.0)
    tl.store(keypoints + results + rank * 2, x, mask=is_own)
    tl.store(keypoints + results + rank * 2 + 1, y, mask=is_own)
    tl.store(scores + results + rank, value, mask=is_own)
    tl.store(dispersity + results + rank, spread, mask=is_own)
