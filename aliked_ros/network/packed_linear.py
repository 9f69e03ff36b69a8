"""Linear layers of inference, with weights in the order in which oneDNN reads them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

_USUAL_ROWS = 1024  # that the order is chosen for; any number is computed


class PackedLinear:
    """x W^T + b, without gradients.

    torch multiplies by MKL on a CPU, which is slow on processors of other makers; oneDNN is not.

    Args:
        weight: (out, in) float32.
        bias: (out,) float32, on the same device.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self.bias = weight.contiguous(), bias.contiguous()
        self._packed = _pack(self.weight)

    def __call__(self, x: Tensor) -> Tensor:
        """Return (N, out) of x (N, in)."""
        if self._packed is None or torch.compiler.is_compiling() or len(x) == 0:
            return F.linear(x, self.weight, self.bias)
        operators: Any = torch.ops.mkldnn
        return operators._linear_pointwise(x, self._packed, self.bias, "none", [], "")


def _pack(weight: Tensor) -> Tensor | None:
    """Return the weight in oneDNN's order, or None where torch cannot use it."""
    operators: Any = torch.ops.mkldnn
    onednn: Any = torch.backends.mkldnn
    if weight.device.type != "cpu" or not onednn.is_available():
        return None
    try:
        packed = operators._reorder_linear_weight(weight, _USUAL_ROWS)
        one = torch.ones(1, weight.shape[1])
        found = operators._linear_pointwise(one, packed, None, "none", [], "")
    except (AttributeError, RuntimeError, TypeError):  # an older torch, or built without oneDNN
        return None
    scale = 1 + weight.abs().sum(dim=1)
    is_sound = bool(((found[0] - weight.sum(dim=1)).abs() <= 1e-5 * scale).all())
    return packed if is_sound else None
