"""What several kernels do with a tile of pixels: enumerate, read, multiply, activate, store.

The matrix units multiply float16 and add in float32. A float32 number goes through them as the sum
of two float16 parts, the number rounded and what the rounding left, which together have 22 of its
24 digits: `parts` is 2. In half precision there is the first part alone: `parts` is 1. The matrix
units need at least 16 channels; a tile of fewer is filled up with zeros, in registers only.

A feature map is stored as rows, one for each pixel: its channels' first parts, then the second.
Weights are stored 256 times too large, which keeps their second parts from becoming subnormal.
"""

from __future__ import annotations

import triton
import triton.language as tl

WEIGHT_UNIT = tl.constexpr(1.0 / 256.0)
_SCALE = tl.constexpr(1.0507009873554805)
_SLOPE = tl.constexpr(1.6732632423543772)


@triton.jit
def selu(x):
    """Return SELU of float32 numbers."""
    return tl.where(x > 0.0, x, (tl.exp(tl.minimum(x, 0.0)) - 1.0) * _SLOPE) * _SCALE


@triton.jit
def tile_pixels(width, cell: tl.constexpr, block: tl.constexpr):
    """Return rows and columns (block,) of a program's pixels, square by square.

    The pixels of a square of `cell` x `cell` follow each other, so that it can be averaged.
    """
    member = tl.program_id(0) * block + tl.arange(0, block)
    square = member // (cell * cell)
    place = member % (cell * cell)
    per_row = width // cell
    y = square // per_row * cell + place // cell
    x = square % per_row * cell + place % cell
    return y, x


@triton.jit
def load_rows(rows, index, is_inside, length: tl.constexpr, padded: tl.constexpr):
    """Return (block, padded), the rows (R, length) at index (block,); 0 where not inside."""
    term = tl.arange(0, padded)
    mask = is_inside[:, None]
    if length < padded:
        mask = mask & (term < length)[None, :]
    return tl.load(rows + index[:, None] * length + term[None, :], mask=mask, other=0.0)


@triton.jit
def load_matrix(matrix, rows: tl.constexpr, columns: tl.constexpr):
    """Return a whole matrix (rows, columns)."""
    row, column = tl.arange(0, rows), tl.arange(0, columns)
    return tl.load(matrix + row[:, None] * columns + column[None, :])


@triton.jit
def multiply(x, weights, total, rows: tl.constexpr, columns: tl.constexpr, parts: tl.constexpr):
    """Return total + x @ weights, x (block, rows) float32, weights (parts, rows, columns)."""
    high = x.to(tl.float16)
    first = load_matrix(weights, rows, columns)
    total = tl.dot(high, first, total)
    if parts == 2:
        low = (x - high.to(tl.float32)).to(tl.float16)
        total = tl.dot(low, first, total)
        total = tl.dot(high, load_matrix(weights + rows * columns, rows, columns), total)
    return total


@triton.jit
def store_parts(
    rows, index, is_live, value, channels: tl.constexpr, padded: tl.constexpr, parts: tl.constexpr
):
    """Store the first `channels` columns of value (block, padded) as rows of parts at index."""
    channel = tl.arange(0, padded)
    mask = is_live[:, None]
    if channels < padded:
        mask = mask & (channel < channels)[None, :]
    place = rows + index[:, None] * (parts * channels) + channel[None, :]
    high = value.to(tl.float16)
    tl.store(place, high, mask=mask)
    if parts == 2:
        tl.store(place + channels, (value - high.to(tl.float32)).to(tl.float16), mask=mask)


@triton.jit
def store_rows(rows, index, is_live, value, channels: tl.constexpr):
    """Store value (block, channels) as rows at index (block,)."""
    place = rows + index[:, None] * channels + tl.arange(0, channels)[None, :]
    tl.store(place, value, mask=is_live[:, None])
