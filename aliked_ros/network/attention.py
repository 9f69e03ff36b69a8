"""Attention of several heads in plain torch, where a layer is not compiled as a whole."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

HEAD = 64  # numbers of a head


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return what the points of one image receive from those of an image.

    Args:
        queries: (N, heads * 64) float32.
        keys: (M, heads * 64), M > 0.
        values: (M, heads * 64).

    Returns:
        (N, heads * 64): for each head softmax(queries keys^T / 8) values.
    """
    heads = queries.shape[1] // HEAD
    q, k, v = (x.view(1, -1, heads, HEAD).transpose(1, 2) for x in (queries, keys, values))
    return F.scaled_dot_product_attention(q, k, v)[0].transpose(0, 1).flatten(1)
