"""In how few bytes descriptors travel: float32, float16 or int8."""

from __future__ import annotations

import torch
from torch import Tensor


def encode_descriptors(descriptors: Tensor, descriptor_type: str) -> Tensor:
    """Return descriptors as they travel.

    Args:
        descriptors: (N, D) float32, unit rows.
        descriptor_type: one of DESCRIPTOR_TYPES.

    Returns:
        (N, D) of that type; the rows of int8 have lengths of their own.
    """
    if descriptor_type == "float16":
        return descriptors.to(torch.float16)
    if descriptor_type == "int8":
        # A row's length does not matter, so each may use all 255 steps.
        largest = descriptors.abs().amax(dim=1, keepdim=True).clamp_min(1e-12)
        return (descriptors * (127 / largest)).round().to(torch.int8)
    return descriptors


def decode_descriptors(descriptors: Tensor) -> Tensor:
    """Return rows (N, D) that have travelled as float32 unit rows."""
    if descriptors.dtype == torch.float32:
        return descriptors
    return torch.nn.functional.normalize(descriptors.to(torch.float32), dim=1)
