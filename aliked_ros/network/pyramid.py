"""The feature pyramid: the exact feature of any pixel without a full-resolution map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from aliked_ros.network.sampling import axis_neighbours, to_rows, weighted_rows


@dataclass(frozen=True)
class FeaturePyramid:
    """Four levels of features that, upsampled and concatenated, are the dense feature map.

    Attributes:
        levels: four maps (B, dim / 4, h, w) at 1/1, 1/2, 1/8 and 1/32 of the padded image.
        image_size: (height, width) of the image before padding, px.
        pad: (left, top) of the image inside the padded image, px.
    """

    levels: tuple[Tensor, ...]
    image_size: tuple[int, int]
    pad: tuple[int, int]

    @property
    def dim(self) -> int:
        """Channels of a pixel's feature."""
        return sum(level.shape[1] for level in self.levels)

    def at_pixels(self, image_index: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return the features of whole pixels, unit length; zero outside the image.

        Args:
            image_index: (P,) int64, which image of the batch.
            x: (P,) float32, columns, whole numbers, px in the image before padding.
            y: (P,) float32, rows, likewise.

        Returns:
            (P, dim) in the type of the levels, upsampled with aligned corners.
        """
        height, width = self.image_size
        is_inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        x = x.clamp(0, width - 1) + self.pad[0]
        y = y.clamp(0, height - 1) + self.pad[1]
        finest = self.levels[0]
        first_row = (image_index * finest.shape[2] + y.long()) * finest.shape[3]
        parts = [to_rows(finest).index_select(0, first_row + x.long())]
        parts += [self._interpolate(level, image_index, x, y) for level in self.levels[1:]]
        features = torch.cat(parts, dim=1)
        norm = features.float().square().sum(dim=1).sqrt().clamp(min=1e-12)
        return features * (is_inside / norm).to(features.dtype).unsqueeze(1)

    def _interpolate(self, level: Tensor, image_index: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return (P, dim / 4), the level upsampled at padded pixels (x, y)."""
        padded_height, padded_width = self.levels[0].shape[2:]
        height, width = level.shape[2:]
        columns, column_weights = axis_neighbours(x * ((width - 1) / (padded_width - 1)), width)
        rows, row_weights = axis_neighbours(y * ((height - 1) / (padded_height - 1)), height)
        rows = rows + (image_index * height).unsqueeze(-1)
        index = rows.unsqueeze(-1) * width + columns.unsqueeze(-2)  # (P, 2, 2)
        weights = row_weights.unsqueeze(-1) * column_weights.unsqueeze(-2)
        return weighted_rows(to_rows(level), index.flatten(1), weights.flatten(1))
