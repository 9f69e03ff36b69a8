"""Image to feature pyramid and score map."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.network.blocks import ConvBlock, ResidualBlock
from aliked_ros.network.pyramid import FeaturePyramid
from aliked_ros.network.sampling import at_least_float32

STRIDE = 32


class Channels(NamedTuple):
    """Channels of the four blocks; the features of a pixel have as many as the last."""

    block1: int
    block2: int
    block3: int
    block4: int


class Encoder(nn.Module):
    """Four blocks at 1/1, 1/2, 1/8 and 1/32, one 1x1 convolution each, and the score head."""

    def __init__(self, channels: Channels) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels
        self.channels = channels
        self.dim = c4
        self.block1 = ConvBlock(3, c1)
        self.block2 = ResidualBlock(c1, c2)
        self.block3 = ResidualBlock(c2, c3, deformable=True)
        self.block4 = ResidualBlock(c3, c4, deformable=True)
        self.conv1 = nn.Conv2d(c1, c4 // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(c2, c4 // 4, 1, bias=False)
        self.conv3 = nn.Conv2d(c3, c4 // 4, 1, bias=False)
        self.conv4 = nn.Conv2d(c4, c4 // 4, 1, bias=False)
        self.score_head = nn.Sequential(
            nn.Conv2d(c4, 8, 1, bias=False),
            nn.SELU(inplace=True),
            nn.Conv2d(8, 4, 3, padding=1, bias=False),
            nn.SELU(inplace=True),
            nn.Conv2d(4, 4, 3, padding=1, bias=False),
            nn.SELU(inplace=True),
            nn.Conv2d(4, 1, 3, padding=1, bias=False),
        )

    def encode(self, image: Tensor) -> tuple[FeaturePyramid, Tensor]:
        """Return the features and the score of every pixel.

        Args:
            image: (B, 3, H, W) float, RGB in [0, 1], any size from 1x1.

        Returns:
            pyramid: the features, to be sampled where they are needed.
            score_map: (B, H, W) float32 in (0, 1).
        """
        height, width = image.shape[2:]
        left, right = split_padding(width)
        top, bottom = split_padding(height)
        if left + right + top + bottom:
            is_channels_last = image.is_contiguous(memory_format=torch.channels_last)
            layout = torch.channels_last if is_channels_last else torch.contiguous_format
            image = F.pad(image, (left, right, top, bottom), mode="replicate")
            image = image.contiguous(memory_format=layout)  # a GPU's padding does not keep it
        x1 = self.block1(image)
        x2 = self.block2(F.avg_pool2d(x1, 2))
        x3 = self.block3(F.avg_pool2d(x2, 4))
        x4 = self.block4(F.avg_pool2d(x3, 4))
        levels = (
            F.selu_(self.conv1(x1)),
            F.selu_(self.conv2(x2)),
            F.selu_(self.conv3(x3)),
            F.selu_(self.conv4(x4)),
        )
        score_map = self._score(levels)[:, top : top + height, left : left + width]
        return FeaturePyramid(levels, (height, width), (left, top)), score_map

    def _score(self, levels: tuple[Tensor, ...]) -> Tensor:
        """Return the score map (B, Hp, Wp) of the padded image, float32."""
        first = self.score_head[0]
        assert isinstance(first, nn.Conv2d)
        size = levels[0].shape[2:]
        # A 1x1 convolution commutes with bilinear upsampling: eight channels go up, not dim.
        kernels = first.weight.chunk(4, dim=1)
        x = at_least_float32(F.conv2d(levels[0], kernels[0]))
        for level, kernel in zip(levels[1:], kernels[1:], strict=True):
            coarse = at_least_float32(F.conv2d(level, kernel))
            x = x.add_(F.interpolate(coarse, size=size, mode="bilinear", align_corners=True))
        return torch.sigmoid(at_least_float32(self.score_logits(x)))

    def score_logits(self, x: Tensor) -> Tensor:
        """Return the logits (B, h, w) of the score map.

        Args:
            x: (B, 8, h, w) float32, the sum of the levels' parts. Half precision would make
                neighbouring pixels equal, and both of them keypoints.
        """
        for layer in list(self.score_head)[1:]:
            if isinstance(layer, nn.Conv2d):
                x = F.conv2d(x, layer.weight.to(x.dtype), padding=layer.padding)
            else:
                x = layer(x)
        return x.squeeze(1)


def split_padding(size: int) -> tuple[int, int]:
    """Return the padding before and after that completes a size to a multiple of STRIDE."""
    total = -size % STRIDE
    return total // 2, total - total // 2
