"""ALIKED for TensorRT: its operator for deformable convolutions, half precision by casts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import DeformableConv2d

OPSET = 19  # the first with DeformConv; TensorRT reads it since 10.1


def for_tensorrt(network: ALIKED, dtype: torch.dtype = torch.float32) -> ALIKED:
    """Return a fused copy that only `torch.onnx.export` can run, for `ExportableALIKED`.

    Args:
        network: any ALIKED, on the CPU.
        dtype: float16 puts the costly part into half precision: blocks 1 and 2, the 1x1
            convolutions at full and half resolution, the first layer of the score head, the
            matrix products of the descriptors. Blocks 3 and 4 stay in float32, for TensorRT's
            deformable convolution rounds the positions where it reads to the type of its input:
            in float16 to 1/16 of a cell at column 64. So does all behind the score head's first
            layer.
    """
    network = network.fuse()
    for block in (network.block3, network.block4):
        for name in ("conv1", "conv2"):
            setattr(block, name, StandardDeformableConv2d(getattr(block, name)))
    if dtype != torch.float32:
        for name in ("block2", "conv1", "conv2", "desc_head"):
            getattr(network, name).to(dtype)
        network.score_head[0].to(dtype)
        inside_and_outside = {
            "block1": (dtype, dtype),  # takes the image
            "block3": (torch.float32, torch.float32),
            "conv3": (torch.float32, dtype),
            "conv4": (torch.float32, dtype),
        }
        for name, types in inside_and_outside.items():
            setattr(network, name, _InType(getattr(network, name), *types))
    return network


class StandardDeformableConv2d(nn.Module):
    """`DeformableConv2d` as the operator DeformConv of ONNX.

    Args:
        conv: with batch norm folded in.
    """

    def __init__(self, conv: DeformableConv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        kernel = self.conv.regular_conv
        # The operator has the order of our offsets: (dy, dx) of tap 0, of tap 1 and so on.
        return torch.onnx.ops.symbolic(
            "DeformConv",
            (x, kernel.weight, self.conv.offsets(x), kernel.bias),
            {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
            dtype=x.dtype,
            shape=(x.shape[0], kernel.out_channels, *x.shape[2:]),
            version=OPSET,
        )


class _InType(nn.Module):
    """A module that computes in one type and returns another."""

    def __init__(self, module: nn.Module, inside: torch.dtype, outside: torch.dtype) -> None:
        super().__init__()
        self.module = module.to(inside)
        self.inside = inside
        self.outside = outside

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x.to(self.inside)).to(self.outside)
