"""Local maxima of a score map, found in three rounds, to a list of the highest ones."""

from __future__ import annotations

import triton
import triton.language as tl

RADIUS = tl.constexpr(2)  # px, of the windows and of the border: dkd.RADIUS

# Scores from 2^-16 to 1 by the leading digits of their logarithm; the others at the ends.
BINS = tl.constexpr(2048)
_LOWEST_BITS = tl.constexpr(0x37800000)  # of 2^-16 as float32
_DROPPED_BITS = tl.constexpr(16)
TALLY = tl.constexpr(2064)  # numbers of an image: the bins, how many are kept, up to 16 bytes


@triton.jit
def _bin_of(value):
    """Return the bins of scores; a higher score is never in a lower bin."""
    bits = value.to(tl.int32, bitcast=True)
    return tl.minimum(tl.maximum((bits - _LOWEST_BITS) >> _DROPPED_BITS, 0), BINS - 1)


@triton.jit(do_not_specialize=["height", "width"])
def hide_suppressed(score, is_peak, remaining, height, width, block: tl.constexpr):
    """Copy the score map, but -1 where a peak lies in the 5x5 window.

    Args:
        score: (B, height, width) float32 in [0, 1].
        is_peak: (B, height, width) int8.
        remaining: (B, height, width) float32, the result.
        height: px.
        width: px.
        block: pixels of a program.
    """
    image = tl.program_id(1).to(tl.int64) * height * width
    index = tl.program_id(0) * block + tl.arange(0, block)
    is_live = index < height * width
    y, x = index // width, index % width
    is_peak += image
    found = tl.zeros((block,), tl.int8)
    for row in tl.static_range(-2, 3):
        is_row = is_live & (y + row >= 0) & (y + row < height)
        for column in tl.static_range(-2, 3):
            is_inside = is_row & (x + column >= 0) & (x + column < width)
            found |= tl.load(is_peak + index + row * width + column, mask=is_inside, other=0)
    value = tl.load(score + image + index, mask=is_live, other=0.0)
    tl.store(remaining + image + index, tl.where(found != 0, -1.0, value), mask=is_live)


@triton.jit
def _is_maximum(score, index, y, x, is_live, height, width, block: tl.constexpr):
    """Return (block,) bool: the score is that of the 5x5 window's maximum, and is not hidden."""
    best = tl.full((block,), -1.0, tl.float32)
    for row in tl.static_range(-2, 3):
        is_row = is_live & (y + row >= 0) & (y + row < height)
        for column in tl.static_range(-2, 3):
            is_inside = is_row & (x + column >= 0) & (x + column < width)
            place = score + index + row * width + column
            best = tl.maximum(best, tl.load(place, mask=is_inside, other=-1.0))
    own = tl.load(score + index, mask=is_live, other=-1.0)
    return (own >= 0.0) & (own == best)


@triton.jit(do_not_specialize=["height", "width"])
def find_peaks(
    score, is_peak, tally, height, width, is_first: tl.constexpr, block: tl.constexpr
):  # fmt: skip
    """Mark the maxima of a score map.

    Args:
        score: (B, height, width) float32; -1 where no maximum may be.
        is_peak: (B, height, width) int8: overwritten in the first round, added to in the others.
        tally: (B, TALLY) int32, set to 0 in the first round.
        height: px.
        width: px.
        is_first: the first round.
        block: pixels of a program.
    """
    image = tl.program_id(1).to(tl.int64) * height * width
    index = tl.program_id(0) * block + tl.arange(0, block)
    is_live = index < height * width
    y, x = index // width, index % width
    found = _is_maximum(score + image, index, y, x, is_live, height, width, block).to(tl.int8)
    if is_first:
        for first in range(tl.program_id(0) * block, TALLY, tl.num_programs(0) * block):
            place = first + tl.arange(0, block)
            tl.store(tally + tl.program_id(1) * TALLY + place, 0, mask=place < TALLY)
    else:
        found |= tl.load(is_peak + image + index, mask=is_live, other=0)
    tl.store(is_peak + image + index, found, mask=is_live)


@triton.jit(do_not_specialize=["height", "width"])
def list_peaks(
    score, remaining, is_peak, threshold, counts, tally, places, heights, height, width,
    block: tl.constexpr,
):  # fmt: skip
    """Find the maxima of the last round; write all that are high enough to a list, in any order.

    How many scores lie in each bin is counted too.

    Args:
        score: (B, height, width) float32.
        remaining: (B, height, width) float32; -1 where no maximum may be.
        is_peak: (B, height, width) int8, the maxima of the rounds before.
        threshold: (1,) float32, a peak is higher than this.
        counts: (B,) int32, length of the list; 0 before.
        tally: (B, TALLY) int32, where the bins are counted; 0 before.
        places: (B, height * width) int32, pixel numbers.
        heights: (B, height * width) float32, scores there.
        height: px.
        width: px.
        block: pixels of a program.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64) * height * width
    index = tl.program_id(0) * block + tl.arange(0, block)
    is_live = index < height * width
    y, x = index // width, index % width
    found = _is_maximum(remaining + image, index, y, x, is_live, height, width, block)
    found |= tl.load(is_peak + image + index, mask=is_live, other=0) != 0
    found &= (y >= RADIUS) & (y < height - RADIUS) & (x >= RADIUS) & (x < width - RADIUS)
    value = tl.load(score + image + index, mask=is_live, other=-1.0)
    found &= is_live & (value > tl.load(threshold))
    kept = found.to(tl.int32)
    # The order of the programs is not fixed; what reads the list does not depend on its order.
    first = tl.atomic_add(counts + number, tl.sum(kept, axis=0))
    slot = first + tl.cumsum(kept, axis=0) - 1
    found &= slot < height * width  # else somebody has not set the counts to 0
    tl.store(places + image + slot, index, mask=found)
    tl.store(heights + image + slot, value, mask=found)
    tl.atomic_add(tally + number * TALLY + _bin_of(value), 1, mask=found, sem="relaxed")


@triton.jit(do_not_specialize=["height", "width"])
def keep_highest(
    places, heights, counts, limit, tally, kept_places, kept_heights, height, width,
    block: tl.constexpr,
):  # fmt: skip
    """Make a list of the highest candidates: those that are taken, and all others of the last bin.

    Args:
        places: (B, height * width) int32, pixel numbers of candidates.
        heights: (B, height * width) float32, their scores.
        counts: (B,) int32, how many candidates there are.
        limit: (1,) int32, how many are taken at most.
        tally: (B, TALLY) int32, as `list_peaks` leaves it; behind the bins comes the length of the
            new list, 0 before.
        kept_places: (B, height * width) int32, the result, in any order.
        kept_heights: (B, height * width) float32.
        height: px.
        width: px.
        block: candidates at a time.
    """
    number = tl.program_id(1)
    image = number.to(tl.int64) * height * width
    tally += number * TALLY
    count = tl.minimum(tl.load(counts + number), height * width)
    bins = tl.arange(0, BINS)
    amount = tl.load(tally + bins)
    from_here_on = tl.sum(amount, axis=0) - tl.cumsum(amount, axis=0) + amount
    lowest = tl.max(tl.where(from_here_on >= tl.load(limit), bins, 0), axis=0)
    for first in range(tl.program_id(0) * block, count, tl.num_programs(0) * block):
        candidate = first + tl.arange(0, block)
        is_live = candidate < count
        value = tl.load(heights + image + candidate, mask=is_live, other=0.0)
        place = tl.load(places + image + candidate, mask=is_live, other=0)
        is_kept = is_live & (_bin_of(value) >= lowest)
        kept = is_kept.to(tl.int32)
        slot = tl.atomic_add(tally + BINS, tl.sum(kept, axis=0)) + tl.cumsum(kept, axis=0) - 1
        is_kept &= slot < height * width
        tl.store(kept_places + image + slot, place, mask=is_kept)
        tl.store(kept_heights + image + slot, value, mask=is_kept)
