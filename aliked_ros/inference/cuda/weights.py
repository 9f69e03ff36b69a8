"""The parameters of a fused network in the order in which the kernels read them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.inference.cuda.kernels.tiles import WEIGHT_UNIT
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.sddh import SDDH

NUM_OFFSETS = 32  # 18 of a deformable convolution, filled up
_LARGEST = 60000.0  # of float16, and a little less


def num_parts(dtype: torch.dtype) -> int:
    """Return how many float16 numbers stand for a number of maps and weights of a type."""
    return 1 if dtype == torch.float16 else 2


def padded(length: int) -> int:
    """Return the length of a tile's rows: the matrix units need 16."""
    return max(length, 16)


class Convolution(NamedTuple):
    """A 3x3 convolution.

    Attributes:
        weights: (parts, 9, inputs, outputs) float16, both filled up.
        bias: (outputs,) float32, filled up.
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
        level: (parts, channels, level_channels) float16, the channels filled up.
        coarse: (parts, level_channels, 8) float16.
    """

    level: Tensor
    coarse: Tensor


class Description(NamedTuple):
    """The descriptor head, in float16.

    Attributes:
        level: (2, length, dim / 4), the finest level, for rows of the first block's output.
        weights1: (2, 9, 2 * dim, 2 * num_samples), for rows of parts.
        bias1: (2 * num_samples,) float32.
        weights2: (2, 2 * num_samples, 2 * num_samples).
        bias2: (2 * num_samples,) float32.
        samples: (4, 2, dim / 4, dim).
        aggregation: (2, num_samples * dim, dim).
    """

    level: Tensor
    weights1: Tensor
    bias1: Tensor
    weights2: Tensor
    bias2: Tensor
    samples: Tensor
    aggregation: Tensor


def to_parts(weights: Tensor, parts: int) -> Tensor:
    """Return weights as (parts, ...) float16, 256 times too large.

    Raises:
        ValueError: if they are too large for that.
    """
    scaled: Tensor = weights.to(torch.float32) / WEIGHT_UNIT.value
    if not scaled.is_meta and not float(scaled.abs().max()) < _LARGEST:
        raise ValueError(f"weights reach {float(weights.abs().max()):.3g}: too large for float16")
    high = scaled.to(torch.float16)
    if parts == 1:
        return high.unsqueeze(0).contiguous()
    return torch.stack((high, (scaled - high.float()).to(torch.float16))).contiguous()


def _for_rows(matrix: Tensor, parts: int) -> Tensor:
    """Repeat the inputs of (..., inputs, outputs) for rows of parts; fill inputs up to 16."""
    repeated = torch.cat([matrix] * parts, dim=-2)
    return F.pad(repeated, (0, 0, 0, padded(repeated.shape[-2]) - repeated.shape[-2]))


def _conv_matrix(conv: nn.Module, outputs: int = 0) -> tuple[Tensor, Tensor]:
    """Return a 3x3 convolution as (9, inputs, outputs) and its bias, the outputs filled up."""
    assert isinstance(conv, nn.Conv2d)
    weight = conv.weight.permute(2, 3, 1, 0).flatten(0, 1)
    num_out = weight.shape[2]
    fill = padded(max(num_out, outputs)) - num_out
    bias = weight.new_zeros(num_out) if conv.bias is None else conv.bias
    return F.pad(weight, (0, fill)), F.pad(bias, (0, fill)).float().contiguous()


def pack_convolution(conv: nn.Module, parts: int, outputs: int = 0) -> Convolution:
    """Pack a 3x3 convolution of rows of parts; `outputs` fills up to more than 16."""
    matrix, bias = _conv_matrix(conv, outputs)
    assert isinstance(conv, nn.Conv2d)
    weights = to_parts(_for_rows(matrix, parts), parts)
    return Convolution(weights, bias, conv.in_channels, conv.out_channels)


def pack_deformable(conv: nn.Module, parts: int) -> Convolution:
    """Pack a 3x3 convolution whose taps are read one by one and joined."""
    matrix, bias = _conv_matrix(conv)
    assert isinstance(conv, nn.Conv2d)
    weights = to_parts(_for_rows(matrix, 1), parts)
    return Convolution(weights, bias, conv.in_channels, conv.out_channels)


def pack_image_convolution(conv: nn.Module, parts: int) -> dict[int, Tensor]:
    """Return channels -> (parts, 32, outputs), for grey and RGB pixels from 0 to 255."""
    matrix, _ = _conv_matrix(conv)  # (9, 3, out)
    packed = {1: matrix.sum(dim=1), 3: matrix.flatten(0, 1)}
    return {
        channels: to_parts(F.pad(rows, (0, 0, 0, 32 - len(rows))), parts)
        for channels, rows in packed.items()
    }


def _matrix(conv: nn.Module) -> Tensor:
    """Return a 1x1 convolution as (inputs, outputs)."""
    assert isinstance(conv, nn.Conv2d)
    return conv.weight.flatten(1).T


def pack_shortcut(conv: nn.Conv2d, main: Convolution, parts: int) -> tuple[Tensor, Tensor]:
    """Return a shortcut's (parts, inputs, outputs), and the sum of its bias and the main one's."""
    fill = len(main.bias) - conv.out_channels
    assert conv.bias is not None
    matrix = F.pad(_for_rows(_matrix(conv), parts), (0, fill))
    return to_parts(matrix, parts), main.bias + F.pad(conv.bias, (0, fill)).float()


def pack_projection(network: ALIKED, number: int, parts: int) -> Projection:
    """Pack what follows block `number`, 1 to 4."""
    level = _for_rows(_matrix(getattr(network, f"conv{number}")), 1)
    first = network.score_head[0]
    assert isinstance(first, nn.Conv2d)
    coarse = first.weight.flatten(1).chunk(4, dim=1)[number - 1].T
    return Projection(to_parts(level, parts), to_parts(coarse, parts))


def pack_planes(network: ALIKED) -> list[Tensor]:
    """Return the 3x3 convolutions of the score head, each (inputs, 9, outputs) float32."""
    convs = [layer for layer in network.score_head if isinstance(layer, nn.Conv2d)][1:]
    return [conv.weight.permute(1, 2, 3, 0).flatten(1, 2).float().contiguous() for conv in convs]


def pack_description(network: ALIKED, map_parts: int) -> Description:
    """Pack the descriptor head; `map_parts` are those of the first block's output."""
    head: SDDH = network.desc_head
    first, _, second = head.offset_conv
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    assert first.bias is not None
    assert second.bias is not None
    matrix = first.weight.permute(2, 3, 1, 0).flatten(0, 1)  # (9, dim, 2 * num_samples)
    return Description(
        to_parts(_for_rows(_matrix(network.conv1), map_parts), 2),
        to_parts(_for_rows(matrix, 2), 2),
        first.bias.float().contiguous(),
        to_parts(_matrix(second), 2),
        second.bias.float().contiguous(),
        torch.stack([to_parts(part, 2) for part in _matrix(head.sf_conv).chunk(4)]),
        to_parts(head.agg_weights.flatten(0, 1), 2),
    )
