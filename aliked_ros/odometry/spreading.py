"""Clustered keypoints -> a selection that covers the image evenly."""

from __future__ import annotations

import numpy as np

from aliked_ros.structs import Array, Floats, Index

_COLUMNS = 16  # cells across the image; they are square


def spread_evenly(pixels: Array, scores: Floats, width_px: float, limit: int) -> Index:
    """Return which keypoints stay when each cell of the image keeps only its best ones.

    Many keypoints on one small textured thing pull the estimate towards the errors that they
    share: a cap per cell lets the rest of the image have its say.

    Args:
        pixels: (N, 2) px.
        scores: (N,) the higher the better.
        width_px: of the image; a sixteenth of it is the side of a cell.
        limit: keypoints that a cell keeps.

    Returns:
        (M,) int64, sorted.
    """
    if len(pixels) == 0:
        return np.arange(len(pixels))
    columns, rows = np.floor(pixels * (_COLUMNS / width_px)).astype(np.int64).T
    cells = np.unique(np.column_stack([columns, rows]), axis=0, return_inverse=True)[1].ravel()
    order = np.lexsort((-scores, cells))  # by cell, the best first
    cells = cells[order]
    rank = np.arange(len(cells)) - np.searchsorted(cells, cells)
    return np.sort(order[rank < limit])
