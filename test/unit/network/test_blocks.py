"""Deformable convolution against a loop over taps; batch norm folding."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from aliked_ros.network.blocks import ConvBlock, DeformableConv2d, ResidualBlock, fold_batch_norm


def deformable_reference(x: torch.Tensor, offset: torch.Tensor, kernel: torch.Tensor):
    """Deformable 3x3 convolution of (C, h, w), pixel by pixel, tap by tap, corner by corner."""
    _, height, width = x.shape
    output = torch.zeros(kernel.shape[0], height, width, dtype=x.dtype)
    for y in range(height):
        for x_ in range(width):
            for tap in range(9):
                row, column = divmod(tap, 3)
                at_y = y + row - 1 + offset[2 * tap, y, x_].item()
                at_x = x_ + column - 1 + offset[2 * tap + 1, y, x_].item()
                for corner_y in (math.floor(at_y), math.floor(at_y) + 1):
                    for corner_x in (math.floor(at_x), math.floor(at_x) + 1):
                        if 0 <= corner_y < height and 0 <= corner_x < width:
                            weight = (1 - abs(at_y - corner_y)) * (1 - abs(at_x - corner_x))
                            value = x[:, corner_y, corner_x]
                            output[:, y, x_] += weight * kernel[:, :, row, column] @ value
    return output


def seeded_conv(in_channels: int, out_channels: int) -> DeformableConv2d:
    torch.manual_seed(0)
    return DeformableConv2d(in_channels, out_channels).double()


@pytest.mark.parametrize("scale", [1.0, 30.0])  # 30: positions far outside, offsets clamped
def test_deformable_convolution_matches_a_loop(scale):
    conv = seeded_conv(2, 3)
    with torch.no_grad():
        conv.offset_conv.weight.mul_(scale)
    x = torch.rand(2, 2, 5, 6, dtype=torch.float64)
    with torch.no_grad():
        offset = conv.offset_conv(x).clamp(-6 / 4, 6 / 4)
        expected = [
            deformable_reference(x[i], offset[i], conv.regular_conv.weight) for i in range(2)
        ]
        torch.testing.assert_close(conv(x), torch.stack(expected))
    assert (offset.abs() == 1.5).any() == (scale > 1)


def test_deformable_convolution_without_offsets_is_a_convolution():
    conv = seeded_conv(3, 4)
    torch.nn.init.zeros_(conv.offset_conv.weight)
    torch.nn.init.zeros_(conv.offset_conv.bias)
    x = torch.rand(1, 3, 7, 4, dtype=torch.float64)
    expected = F.conv2d(x, conv.regular_conv.weight, padding=1)
    torch.testing.assert_close(conv(x), expected)


def test_channel_eight_moves_the_centre_tap_down():
    conv = seeded_conv(1, 1)
    torch.nn.init.zeros_(conv.offset_conv.weight)
    torch.nn.init.zeros_(conv.offset_conv.bias)
    torch.nn.init.zeros_(conv.regular_conv.weight)
    with torch.no_grad():
        conv.offset_conv.bias[8] = 1.0
        conv.regular_conv.weight[0, 0, 1, 1] = 1.0
    x = torch.rand(1, 1, 4, 4, dtype=torch.float64)
    expected = F.pad(x[:, :, 1:], (0, 0, 0, 1))
    torch.testing.assert_close(conv(x), expected)


def test_gradients_of_the_deformable_convolution_are_right():
    conv = seeded_conv(2, 2)
    x = torch.rand(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    parameters = dict(conv.named_parameters())

    def run(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(conv, dict(zip(parameters, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x, *parameters.values()), fast_mode=True)


def test_map_of_one_cell_is_convolved():
    assert torch.isfinite(seeded_conv(2, 3)(torch.rand(1, 2, 1, 1, dtype=torch.float64))).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConvBlock(3, 4),
        lambda: ResidualBlock(3, 4),
        lambda: ResidualBlock(3, 4, deformable=True),
    ],
    ids=["plain", "residual", "deformable"],
)
def test_folding_batch_norm_changes_no_output(make):
    torch.manual_seed(0)
    block = make().double()
    for norm in (block.bn1, block.bn2):
        torch.nn.init.uniform_(norm.weight, 0.5, 2)
        torch.nn.init.normal_(norm.bias)
        torch.nn.init.normal_(norm.running_mean)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    block.eval().requires_grad_(False)
    x = torch.rand(1, 3, 6, 5, dtype=torch.float64)
    expected = block(x)
    fold_batch_norm(block)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in block.modules())
    torch.testing.assert_close(block(x), expected)
    fold_batch_norm(block)
    torch.testing.assert_close(block(x), expected)
