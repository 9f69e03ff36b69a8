"""Bilinear lookups at scattered positions of channels-last feature maps."""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return a tensor (...) in float32 if it is narrower: positions and sums need the digits."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def to_rows(feature_map: Tensor) -> Tensor:
    """Return a map (B, C, h, w) as rows (B * h * w, C); a view if the map is channels-last."""
    return feature_map.permute(0, 2, 3, 1).reshape(-1, feature_map.shape[1])


def axis_neighbours(position: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return the two cells beside each position on one axis, with their linear weights.

    Args:
        position: (...) float32, cells; cell centres sit on integers.
        size: number of cells of the axis.

    Returns:
        cells: (2, ...) int64, clamped to [0, size - 1].
        weights: (2, ...) float32; 0 for a cell that lies outside.
    """
    below = position.floor()
    fraction = position - below
    cells = torch.stack((below, below + 1))
    weights = torch.stack((1 - fraction, fraction))
    weights = weights * ((cells >= 0) & (cells <= size - 1))
    return cells.clamp(0, size - 1).long(), weights


def bilinear_neighbours(x: Tensor, y: Tensor, width: int, height: int) -> tuple[Tensor, Tensor]:
    """Return the four cells around each position, with their bilinear weights.

    Args:
        x: (...) float32, columns.
        y: (...) float32, rows.
        width: columns of the map.
        height: rows of the map.

    Returns:
        index: (..., 4) int64, row-major cell numbers in [0, width * height).
        weights: (..., 4) float32; cells outside the map weigh 0, so that they count as zero.
    """
    columns, column_weights = axis_neighbours(x, width)
    rows, row_weights = axis_neighbours(y, height)
    # The four neighbours lead until the end: as the last axis of a broadcast they would keep
    # every loop four numbers short, which costs a CPU more than all the arithmetic.
    index = (rows * width).unsqueeze(1) + columns.unsqueeze(0)  # (2, 2, ...)
    weights = row_weights.unsqueeze(1) * column_weights.unsqueeze(0)
    return last(index.flatten(0, 1)), last(weights.flatten(0, 1))


def last(tensor: Tensor) -> Tensor:
    """Move the first axis of (J, ...) to the end, in memory too."""
    return tensor.movedim(0, -1).contiguous()


def weighted_rows(rows: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    """Return for each position the weighted sum of some rows.

    Args:
        rows: (R, C) float.
        index: (P, J) int64 in [0, R).
        weights: (P, J) float32.

    Returns:
        (P, C) in the type of `rows`.
    """
    if torch.compiler.is_compiling():  # compilers fuse these steps, and ONNX has no bags
        columns = weights.to(rows.dtype).unsqueeze(-1).unbind(1)
        pairs = zip(index.unbind(1), columns, strict=True)
        return reduce(torch.add, [rows.index_select(0, cell) * weight for cell, weight in pairs])
    weighted: Tensor = _WeightedRows.apply(  # type: ignore[no-untyped-call]
        rows, index, weights.to(rows.dtype)
    )
    return weighted


class _WeightedRows(torch.autograd.Function):
    """An embedding bag, which is this sum in one kernel without the (P, J, C) intermediate.

    Its own gradient sorts the index first; adding row by row takes a third of the time.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(rows, index, weights)
        return F.embedding_bag(index, rows, mode="sum", per_sample_weights=weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        rows, index, weights = ctx.saved_tensors
        columns = index.unbind(1)
        of_rows = of_weights = None
        if ctx.needs_input_grad[0]:
            of_rows = torch.zeros_like(rows)
            for cells, weight in zip(columns, weights.unbind(1), strict=True):
                of_rows.index_add_(0, cells, gradient * weight.unsqueeze(1))
        if ctx.needs_input_grad[2]:
            products = [(rows.index_select(0, cells) * gradient).sum(dim=1) for cells in columns]
            of_weights = torch.stack(products, dim=1)
        return of_rows, None, of_weights
