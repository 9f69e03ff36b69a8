"""Local maxima of a score map, found in three rounds, to a list of candidates."""

from __future__ import annotations

import triton
import triton.language as tl

RADIUS = tl.constexpr(2)  # px, of the windows and of the border: dkd.RADIUS


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
def find_peaks(score, is_peak, height, width, is_first: tl.constexpr, block: tl.constexpr):
    """Mark the maxima of a score map.

    Args:
        score: (B, height, width) float32; -1 where no maximum may be.
        is_peak: (B, height, width) int8: overwritten in the first round, added to in the others.
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
    if not is_first:
        found |= tl.load(is_peak + image + index, mask=is_live, other=0)
    tl.store(is_peak + image + index, found, mask=is_live)


@triton.jit(do_not_specialize=["height", "width"])
def list_peaks(
    score, remaining, is_peak, threshold, counts, places, heights, height, width,
    block: tl.constexpr,
):  # fmt: skip
    """Find the maxima of the last round; write all that are high enough to a list, in any order.

    Args:
        score: (B, height, width) float32.
        remaining: (B, height, width) float32; -1 where no maximum may be.
        is_peak: (B, height, width) int8, the maxima of the rounds before.
        threshold: (1,) float32, a peak is higher than this.
        counts: (B,) int32, length of the list; 0 before.
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
