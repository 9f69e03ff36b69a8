"""Convolution, residual and deformable blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.network.sampling import (
    at_least_float32,
    bilinear_neighbours,
    to_rows,
    weighted_rows,
)


class DeformableConv2d(nn.Module):
    """A 3x3 convolution whose nine taps move to learned positions (no modulation).

    Tap k = 3 * row + column reads its input at the regular position plus (dy, dx) = channels
    (2 k, 2 k + 1) of `offset_conv`, in cells of the map, bilinearly and with zeros outside.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.offset_conv = nn.Conv2d(in_channels, 18, 3, padding=1)
        self.regular_conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        batch, channels, height, width = x.shape
        index, weights = self._tap_neighbours(x)
        taps = weighted_rows(to_rows(x), index, weights)  # (B * h * w * 9, C)
        kernel = self.regular_conv.weight.permute(0, 2, 3, 1).flatten(1)  # (out, 9 * C)
        output = F.linear(taps.view(-1, 9 * channels), kernel, self.regular_conv.bias)
        return output.view(batch, height, width, -1).permute(0, 3, 1, 2)

    def offsets(self, x: Tensor) -> Tensor:
        """Return (B, 18, h, w) float32, how far each tap moves, in cells."""
        limit = torch.sym_max(*x.shape[2:]) / 4  # type: ignore[no-untyped-call]
        return at_least_float32(self.offset_conv(x)).clamp(-limit, limit)

    def _tap_neighbours(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return index (B * h * w * 9, 4) into the rows of x, and the weights of these rows."""
        batch, _, height, width = x.shape
        offset = self.offsets(x).permute(0, 2, 3, 1).reshape(batch, height, width, 3, 3, 2)
        rows = torch.arange(height, device=x.device, dtype=offset.dtype)
        columns = torch.arange(width, device=x.device, dtype=offset.dtype)
        steps = torch.arange(-1, 2, device=x.device, dtype=offset.dtype)
        tap_y = rows.view(-1, 1, 1, 1) + steps.view(3, 1)  # (h, 1, 3, 1)
        tap_x = columns.view(-1, 1, 1) + steps  # (w, 1, 3)
        index, weights = bilinear_neighbours(
            tap_x + offset[..., 1], tap_y + offset[..., 0], width, height
        )  # (B, h, w, 3, 3, 4)
        first_row = torch.arange(batch, device=x.device) * (height * width)
        index = index + first_row.view(-1, 1, 1, 1, 1, 1)
        return index.view(-1, 4), weights.view(-1, 4)


def _conv(in_channels: int, out_channels: int, deformable: bool) -> nn.Module:
    if deformable:
        return DeformableConv2d(in_channels, out_channels)
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each with batch norm and SELU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = _conv(in_channels, out_channels, False)
        self.bn1: nn.Module = nn.BatchNorm2d(out_channels)
        self.conv2 = _conv(out_channels, out_channels, False)
        self.bn2: nn.Module = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        x = F.selu_(self.bn1(self.conv1(x)))
        return F.selu_(self.bn2(self.conv2(x)))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, ordinary or deformable, beside a 1x1 shortcut; SELU after the sum."""

    def __init__(self, in_channels: int, out_channels: int, deformable: bool = False) -> None:
        super().__init__()
        self.conv1 = _conv(in_channels, out_channels, deformable)
        self.bn1: nn.Module = nn.BatchNorm2d(out_channels)
        self.conv2 = _conv(out_channels, out_channels, deformable)
        self.bn2: nn.Module = nn.BatchNorm2d(out_channels)
        self.downsample = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        y = F.selu_(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.selu_(y.add_(self.downsample(x)))


def fold_batch_norm(block: ConvBlock | ResidualBlock) -> None:
    """Move both batch norms of an evaluated block into the convolutions before them, in place."""
    for number in (1, 2):
        conv, norm = getattr(block, f"conv{number}"), getattr(block, f"bn{number}")
        if isinstance(norm, nn.Identity):
            continue
        # Folding is exact for the deformable kernel too: it is linear after the sampling.
        if isinstance(conv, DeformableConv2d):
            conv.regular_conv = nn.utils.fusion.fuse_conv_bn_eval(conv.regular_conv, norm)
        else:
            setattr(block, f"conv{number}", nn.utils.fusion.fuse_conv_bn_eval(conv, norm))
        setattr(block, f"bn{number}", nn.Identity())
