"""The end of LightGlue: states of the points of two images -> who is whose partner."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

MIN_SCORE = 0.1  # a pair must exceed it


class Assignment(NamedTuple):
    """Partners, one-to-one, sorted by the point of image 0.

    Attributes:
        indices: (K, 2) int64.
        scores: (K,) float32 in (MIN_SCORE, 1].
        num_layers: that were computed.
    """

    indices: Tensor
    scores: Tensor
    num_layers: int

    @classmethod
    def empty(cls, device: torch.device, num_layers: int = 0) -> Assignment:
        """Return no partners at all."""
        indices = torch.empty((0, 2), dtype=torch.int64, device=device)
        return cls(indices, torch.empty(0, device=device), num_layers)


def assign(f0: Tensor, f1: Tensor, z0: Tensor, z1: Tensor) -> tuple[Tensor, Tensor]:
    """Pair the points that are each other's best.

    The score of a pair is the product of four probabilities: that point 0 chooses point 1, that
    point 1 chooses point 0, and that each has a partner at all.

    Args:
        f0: (N, D), whose products are the similarities.
        f1: (M, D).
        z0: (N,), logits of having a partner.
        z1: (M,).

    Returns:
        indices: (K, 2) int64, sorted by the first.
        scores: (K,).
    """
    best1, scores, is_pair = choose(f0, f1, z0, z1)
    index0 = torch.arange(len(f0), device=f0.device)
    return torch.stack((index0, best1), dim=1)[is_pair], scores[is_pair]


def choose(f0: Tensor, f1: Tensor, z0: Tensor, z1: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Choose the best partner of each point of image 0; arguments as of `assign`.

    Returns:
        best1: (N,) int64, a point of image 1.
        scores: (N,) of the pairs.
        is_pair: (N,) bool, whether they are each other's best and the score suffices.
    """
    similarity = f0 @ f1.T
    of_row = F.logsigmoid(z0) - similarity.logsumexp(dim=1)
    of_column = F.logsigmoid(z1) - similarity.logsumexp(dim=0)
    best1 = (2 * similarity + of_column).argmax(dim=1)
    best0 = (2 * similarity + of_row.unsqueeze(1)).T.contiguous().argmax(dim=1)
    index0 = torch.arange(f0.shape[0], device=f0.device)
    log_scores = 2 * similarity[index0, best1] + of_row + of_column[best1]
    scores = log_scores.exp()
    return best1, scores, (best0[best1] == index0) & (scores > MIN_SCORE)
