"""Float32 numbers as sums of two float16 ones, the form in which kernels read feature maps."""

from __future__ import annotations

import torch
from torch import Tensor


def split(x: Tensor) -> Tensor:
    """Return numbers (..., C) as parts (..., 2, C) float16 whose sum they are.

    Args:
        x: (..., C) float32, within the range of float16, 65504; 22 of its 24 digits are kept.
    """
    high = x.to(torch.float16)
    low = (x.to(torch.float32) - high.to(torch.float32)).to(torch.float16)
    return torch.stack((high, low), dim=-2)


def join(x: Tensor) -> Tensor:
    """Return the numbers (..., C) float32 that parts (..., parts, C) stand for."""
    return x.to(torch.float32).sum(dim=-2)
