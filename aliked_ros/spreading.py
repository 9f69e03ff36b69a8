"""Of many features some that lie all over the image: the best of each cell in turn."""

from __future__ import annotations

import torch

from aliked_ros.structs import Features

_CELLS = 16  # in a row of the image


def spread(features: Features, num: int) -> Features:
    """Return features that lie all over the image.

    Square cells, sixteen in a row, give their best feature, then their second best, and so on,
    until there are enough.

    Args:
        features: N, best first.
        num: to return, at most.

    Returns:
        min(N, num) of them, best first.
    """
    count = len(features)
    if count <= num:
        return features
    side = features.image_size[1] / _CELLS
    # On the host: nothing waits for a GPU once more.
    column, row = (features.to("cpu").keypoints / side).floor().long().clamp(min=0).T
    cell = row * (_CELLS + 1) + column
    # In order of the cells, best first within each: the place in the cell is the turn.
    order = torch.argsort(cell, stable=True)
    sorted_cell = cell[order]
    turn = torch.empty_like(order)
    turn[order] = torch.arange(count) - torch.searchsorted(sorted_cell, sorted_cell)
    kept = torch.argsort(turn, stable=True)[:num]
    return features.select(kept.sort().values)
