"""The end of LightGlue: states of the points of two images -> who is whose partner."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.native import load_library
from aliked_ros.network.packed_linear import BLOCK, Matrix, call_kernel

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
    log_chance0, log_chance1 = F.logsigmoid(z0), F.logsigmoid(z1)
    is_plain = f0.device.type == "cpu" and not torch.compiler.is_compiling()
    if is_plain and load_library() is not None and f0.shape[1] % 2 == 0:
        best1, log_scores, best0 = _choose_by_kernel(f0, f1, log_chance0, log_chance1)
    else:
        best1, log_scores, best0 = _choose(f0, f1, log_chance0, log_chance1)
    index0 = torch.arange(f0.shape[0], device=f0.device)
    scores = log_scores.exp()
    return best1, scores, (best0[best1] == index0) & (scores > MIN_SCORE)


def _choose(
    f0: Tensor, f1: Tensor, log_chance0: Tensor, log_chance1: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the best of rows (N,), the logarithms of their scores, the best of columns (M,)."""
    similarity = f0 @ f1.T
    of_row = log_chance0 - similarity.logsumexp(dim=1)
    of_column = log_chance1 - similarity.logsumexp(dim=0)
    best1 = (2 * similarity + of_column).argmax(dim=1)
    best0 = (2 * similarity + of_row.unsqueeze(1)).T.contiguous().argmax(dim=1)
    index0 = torch.arange(f0.shape[0], device=f0.device)
    return best1, 2 * similarity[index0, best1] + of_row + of_column[best1], best0


def _choose_by_kernel(
    f0: Tensor, f1: Tensor, log_chance0: Tensor, log_chance1: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Do what `_choose` does; nothing of the size of the similarities is stored."""
    num0, num1 = len(f0), len(f1)
    fill = -num1 % BLOCK
    bias = torch.zeros(num1 + fill)
    bias[num1:] = -torch.inf
    columns = Matrix.pack(F.pad(f1, (0, 0, 0, fill)), bias, torch.float32)
    rows, chances = f0.contiguous(), (log_chance0.contiguous(), log_chance1.contiguous())
    best1, best0 = (torch.empty(num, dtype=torch.int32) for num in (num0, num1))
    log_scores = torch.empty(num0)
    pointers = (ctypes.c_void_p(part.data_ptr()) for part in (*chances, best1, log_scores, best0))
    call_kernel(
        "choose_partners", ctypes.c_void_p(rows.data_ptr()), num0, ctypes.byref(columns), num1,
        *pointers,
    )  # fmt: skip
    return best1.long(), log_scores, best0.long()
