"""The parameters of a fused network in the order in which the kernels read them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import DeformableConv2d
from aliked_ros.network.sddh import SDDH

NUM_OFFSETS = 32  # 18 of a deformable convolution, filled up


def padded(channels: int) -> int:
    """Return the channels of a tile: the matrix units need 16."""
    return max(channels, 16)


class Convolution(NamedTuple):
    """A 3x3 convolution.

    Attributes:
        weights: (9, inputs, outputs), both filled up.
        bias: (outputs,) float32.
        inputs: channels without the filling.
        outputs: channels without the filling.
    """

    weights: Tensor
    bias: Tensor
    inputs: int
    outputs: int


class Projection(NamedTuple):
    """What follows a block: its level of the pyramid, and that level's part of the score head.

    Attributes:
        level: (channels, level_channels), the channels filled up.
        coarse: (level_channels, 8).
        level_channels: dim / 4.
    """

    level: Tensor
    coarse: Tensor
    level_channels: int


class Description(NamedTuple):
    """The descriptor head.

    Attributes:
        level: (c1, dim / 4), c1 filled up: the finest level, computed where it is needed.
        weights1: (9, dim, 2 * num_samples).
        bias1: (2 * num_samples,) float32.
        weights2: (2 * num_samples, 2 * num_samples).
        bias2: (2 * num_samples,) float32.
        samples: (dim, dim).
        aggregation: (num_samples * dim, dim).
    """

    level: Tensor
    weights1: Tensor
    bias1: Tensor
    weights2: Tensor
    bias2: Tensor
    samples: Tensor
    aggregation: Tensor


def pack_convolution(conv: nn.Module, dtype: torch.dtype, outputs: int = 0) -> Convolution:
    """Pack a 3x3 convolution; `outputs` fills its channels up to more than 16."""
    assert isinstance(conv, nn.Conv2d)
    weight = conv.weight.permute(2, 3, 1, 0).flatten(0, 1)  # (9, in, out)
    _, num_in, num_out = weight.shape
    fill = padded(max(num_out, outputs)) - num_out
    weights = F.pad(weight, (0, fill, 0, padded(num_in) - num_in)).to(dtype).contiguous()
    bias = weight.new_zeros(num_out) if conv.bias is None else conv.bias
    return Convolution(weights, F.pad(bias, (0, fill)).float().contiguous(), num_in, num_out)


def pack_image_convolution(conv: nn.Module, dtype: torch.dtype) -> dict[int, Tensor]:
    """Return channels -> (32, outputs) for grey and RGB pixels as 256ths."""
    assert isinstance(conv, nn.Conv2d)
    colour = conv.weight.permute(2, 3, 1, 0) * (256 / 255)  # (3, 3, 3, out)
    packed = {1: colour.sum(dim=2).flatten(0, 1), 3: colour.flatten(0, 2)}
    fill = padded(colour.shape[3]) - colour.shape[3]
    return {
        channels: F.pad(rows, (0, fill, 0, 32 - len(rows))).to(dtype).contiguous()
        for channels, rows in packed.items()
    }


def pack_matrix(conv: nn.Module, dtype: torch.dtype) -> Tensor:
    """Return a 1x1 convolution as (inputs, outputs), the inputs filled up."""
    assert isinstance(conv, nn.Conv2d)
    weight = conv.weight.flatten(1).T  # (in, out)
    return F.pad(weight, (0, 0, 0, padded(len(weight)) - len(weight))).to(dtype).contiguous()


def pack_shortcut(conv: nn.Conv2d, main: Convolution, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return a shortcut's (inputs, outputs), and the sum of its bias and the main one's."""
    matrix = pack_matrix(conv, dtype)
    fill = len(main.bias) - matrix.shape[1]
    assert conv.bias is not None
    return F.pad(matrix, (0, fill)).contiguous(), main.bias + F.pad(conv.bias, (0, fill)).float()


def pack_projection(network: ALIKED, number: int, dtype: torch.dtype) -> Projection:
    """Pack what follows block `number`, 1 to 4."""
    level = pack_matrix(getattr(network, f"conv{number}"), dtype)
    first = network.score_head[0]
    assert isinstance(first, nn.Conv2d)
    coarse = first.weight.flatten(1).chunk(4, dim=1)[number - 1].T
    return Projection(level, coarse.to(dtype).contiguous(), level.shape[1])


def pack_offsets(conv: DeformableConv2d, dtype: torch.dtype) -> Convolution:
    """Pack the convolution that moves the taps of another one."""
    return pack_convolution(conv.offset_conv, dtype, NUM_OFFSETS)


def pack_planes(network: ALIKED) -> list[Tensor]:
    """Return the 3x3 convolutions of the score head, each (inputs, 9, outputs) float32."""
    convs = [layer for layer in network.score_head if isinstance(layer, nn.Conv2d)][1:]
    return [conv.weight.permute(1, 2, 3, 0).flatten(1, 2).float().contiguous() for conv in convs]


def pack_description(network: ALIKED, dtype: torch.dtype) -> Description:
    """Pack the descriptor head."""
    head: SDDH = network.desc_head
    first, _, second = head.offset_conv
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    assert first.bias is not None
    assert second.bias is not None
    return Description(
        pack_matrix(network.conv1, dtype),
        first.weight.permute(2, 3, 1, 0).flatten(0, 1).to(dtype).contiguous(),
        first.bias.float().contiguous(),
        second.weight.flatten(1).T.to(dtype).contiguous(),
        second.bias.float().contiguous(),
        head.sf_conv.weight.flatten(1).T.to(dtype).contiguous(),
        head.agg_weights.flatten(0, 1).to(dtype).contiguous(),
    )
