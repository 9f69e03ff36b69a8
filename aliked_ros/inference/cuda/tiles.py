"""What several kernels do with a tile of pixels: enumerate, read, activate, store.

A feature map is stored as rows, one of `channels` numbers for each pixel. The matrix units need at
least 16 channels: a tile of fewer is filled up with zeros, in registers only.
"""

from __future__ import annotations

import triton
import triton.language as tl

_SCALE = tl.constexpr(1.0507009873554805)
_SLOPE = tl.constexpr(1.6732632423543772)


@triton.jit
def selu(x):
    """Return SELU of float32 numbers."""
    return _SCALE * tl.where(x > 0.0, x, _SLOPE * (tl.exp(tl.minimum(x, 0.0)) - 1.0))


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
def load_rows(rows, index, is_inside, channels: tl.constexpr, padded: tl.constexpr):
    """Return (block, padded), the rows (R, channels) at index (block,); 0 where not inside."""
    channel = tl.arange(0, padded)
    mask = is_inside[:, None]
    if channels < padded:
        mask = mask & (channel < channels)[None, :]
    return tl.load(rows + index[:, None] * channels + channel[None, :], mask=mask, other=0.0)


@triton.jit
def store_rows(
    rows, index, is_live, value, channels: tl.constexpr, padded: tl.constexpr
):
    """Store the first `channels` columns of value (block, padded) as rows at index (block,)."""
    channel = tl.arange(0, padded)
    mask = is_live[:, None]
    if channels < padded:
        mask = mask & (channel < channels)[None, :]
    tl.store(rows + index[:, None] * channels + channel[None, :], value, mask=mask)


@triton.jit
def load_matrix(matrix, rows: tl.constexpr, columns: tl.constexpr):
    """Return a whole matrix (rows, columns)."""
    row, column = tl.arange(0, rows), tl.arange(0, columns)
    return tl.load(matrix + row[:, None] * columns + column[None, :])
