"""Float32 numbers as sums of float16 ones, the form in which feature maps are kept on a GPU."""

from __future__ import annotations

import torch
from torch import Tensor


def split(x: Tensor, parts: int) -> Tensor:
    """Return numbers (..., C) as parts (..., parts, C) float16 whose sum they are.

    Args:
        x: (..., C) float, within the range of float16, 65504.
        parts: 2 keeps 22 of the 24 digits of float32; 1 rounds to float16.
    """
    high = x.to(torch.float16)
    if parts == 1:
        return high.unsqueeze(-2)
    low = (x.to(torch.float32) - high.to(torch.float32)).to(torch.float16)
    return torch.stack((high, low), dim=-2)


def join(x: Tensor) -> Tensor:
    """Return the numbers (..., C) float32 that parts (..., parts, C) stand for."""
    return x.to(torch.float32).sum(dim=-2)
