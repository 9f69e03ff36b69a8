"""ALIKE (Zhao et al. 2022), the baseline that ALIKED improves on: a dense descriptor map."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.network.dkd import RADIUS, suppress_non_maxima

# Channels of the four blocks, of the descriptor, and the layers of the head.
VARIANTS = {
    "alike-t": (8, 16, 32, 64, 64, 1),
    "alike-s": (8, 16, 48, 96, 96, 1),
    "alike-n": (16, 32, 64, 128, 128, 1),
    "alike-l": (32, 64, 128, 128, 128, 2),
}
_STRIDE = 32


class _Block(nn.Module):
    """Two 3x3 convolutions with batch norm and ReLU, the second beside a 1x1 shortcut or not."""

    def __init__(self, in_channels: int, out_channels: int, has_shortcut: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = nn.Conv2d(in_channels, out_channels, 1) if has_shortcut else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        y = F.relu_(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu_(y if self.downsample is None else y + self.downsample(x))


class ALIKE(nn.Module):
    """Image to score map and dense descriptor map; the parameters carry the authors' names.

    Args:
        model: a key of VARIANTS.
    """

    def __init__(self, model: str) -> None:
        if model not in VARIANTS:
            raise ValueError(f"model is {model!r}: must be one of {', '.join(VARIANTS)}")
        super().__init__()
        c1, c2, c3, c4, self.dim, num_layers = VARIANTS[model]
        self.block1 = _Block(3, c1, has_shortcut=False)
        self.block2 = _Block(c1, c2, has_shortcut=True)
        self.block3 = _Block(c2, c3, has_shortcut=True)
        self.block4 = _Block(c3, c4, has_shortcut=True)
        self.conv1 = nn.Conv2d(c1, self.dim // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(c2, self.dim // 4, 1, bias=False)
        self.conv3 = nn.Conv2d(c3, self.dim // 4, 1, bias=False)
        self.conv4 = nn.Conv2d(c4, self.dim // 4, 1, bias=False)
        if num_layers == 2:
            self.convhead1 = nn.Conv2d(self.dim, self.dim, 1, bias=False)
        self.convhead2 = nn.Conv2d(self.dim, self.dim + 1, 1, bias=False)

    def encode(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return four maps (B, dim / 4, h, w) at 1/1, 1/2, 1/8 and 1/32 of a padded image."""
        x1 = self.block1(image)
        x2 = self.block2(F.max_pool2d(x1, 2))
        x3 = self.block3(F.max_pool2d(x2, 4))
        x4 = self.block4(F.max_pool2d(x3, 4))
        return (
            F.relu_(self.conv1(x1)),
            F.relu_(self.conv2(x2)),
            F.relu_(self.conv3(x3)),
            F.relu_(self.conv4(x4)),
        )

    def head(self, levels: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return the descriptor map (B, dim, h, w), unit pixels, and the score map (B, h, w)."""
        size = levels[0].shape[2:]
        upsampled = [
            F.interpolate(level, size=size, mode="bilinear", align_corners=True)
            for level in levels[1:]
        ]
        x = torch.cat([levels[0], *upsampled], dim=1)
        if hasattr(self, "convhead1"):
            x = F.relu_(self.convhead1(x))
        x = self.convhead2(x)
        return F.normalize(x[:, :-1], dim=1), torch.sigmoid(x[:, -1])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return descriptor map (B, dim, H, W) and score map (B, H, W) of RGB (B, 3, H, W)."""
        height, width = image.shape[2:]
        padded = F.pad(image, (0, -width % _STRIDE, 0, -height % _STRIDE))
        descriptor_map, score_map = self.head(self.encode(padded))
        return descriptor_map[:, :, :height, :width], score_map[:, :height, :width]


def select_peaks(score_map: Tensor, max_keypoints: int, detection_threshold: float) -> Tensor:
    """Return the row-major pixels (1, N) int64 of the highest maxima of a score map (1, H, W)."""
    peaks = suppress_non_maxima(score_map)
    # ALIKED leaves out two pixels on each side; ALIKE a third at the top and at the left.
    peaks[:, : RADIUS + 1] = 0
    peaks[:, :, : RADIUS + 1] = 0
    heights, index = peaks.flatten(1).topk(min(max_keypoints, peaks.numel()), dim=1)
    return index[:, heights[0] > detection_threshold]


def sample_descriptors(descriptor_map: Tensor, keypoints: Tensor) -> Tensor:
    """Return descriptors (N, D), unit rows, of a map (1, D, H, W) at keypoints (N, 2) px."""
    height, width = descriptor_map.shape[2:]
    largest = keypoints.new_tensor([max(width - 1, 1), max(height - 1, 1)])
    positions_norm = (2 * keypoints / largest - 1).view(1, 1, -1, 2)
    sampled = F.grid_sample(descriptor_map, positions_norm, align_corners=True)
    return F.normalize(sampled[0, :, 0].T, dim=1)
