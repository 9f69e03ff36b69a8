"""The feature pyramid: the exact feature of any pixel without a full-resolution map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from aliked_ros.network.sampling import (
    at_least_float32,
    axis_neighbours,
    last,
    to_rows,
    weighted_rows,
)


@dataclass(frozen=True, eq=False)
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

    def at_grids(self, image_index: Tensor, x: Tensor, y: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the features of small grids of whole pixels.

        The unit-length feature of a pixel is its parts, one from each level, times its scale:
        the caller multiplies later, where there are fewer numbers.

        Args:
            image_index: (G,) int64, which image of the batch a grid lies in.
            x: (X, G) float32, columns of a grid, whole numbers, px in the image before padding.
            y: (Y, G) float32, rows of a grid, likewise.

        Returns:
            parts: four (G * Y * X, dim / 4) in the type of the levels, upsampled with aligned
                corners.
            scale: (G, Y * X) float32, 1 / norm of the feature; 0 for pixels outside the image.
        """
        height, width = self.image_size
        is_inside = last(
            (_is_on_axis(y, height).unsqueeze(1) & _is_on_axis(x, width)).flatten(0, 1)
        )
        x = x.clamp(0, width - 1) + self.pad[0]
        y = y.clamp(0, height - 1) + self.pad[1]
        parts = [self._read(image_index, x, y)]
        parts += [self._interpolate(level, image_index, x, y) for level in self.levels[1:]]
        norms = [torch.linalg.vector_norm(at_least_float32(part), dim=1) for part in parts]
        norm = torch.linalg.vector_norm(torch.stack(norms, dim=1), dim=1).clamp(min=1e-12)
        return parts, is_inside / norm.view(is_inside.shape)

    def _read(self, image_index: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return (G * Y * X, dim / 4), the finest level at padded pixels."""
        height, width = self.levels[0].shape[2:]
        first = (y.long() + image_index * height) * width  # (Y, G), cell at the row's start
        index = first.unsqueeze(1) + x.long()  # (Y, X, G)
        return to_rows(self.levels[0]).index_select(0, last(index.flatten(0, 1)).flatten())

    def _interpolate(self, level: Tensor, image_index: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return (G * Y * X, dim / 4), a coarse level upsampled at padded pixels."""
        padded_height, padded_width = self.levels[0].shape[2:]
        height, width = level.shape[2:]
        columns, column_weights = axis_neighbours(x * ((width - 1) / (padded_width - 1)), width)
        rows, row_weights = axis_neighbours(y * ((height - 1) / (padded_height - 1)), height)
        first = (rows + image_index * height) * width  # (2, Y, G)
        index = _outer(first, columns, torch.add)
        weights = _outer(row_weights, column_weights, torch.mul)
        return weighted_rows(to_rows(level), index, weights)


def _is_on_axis(position: Tensor, size: int) -> Tensor:
    return (position >= 0) & (position <= size - 1)


def _outer(rows: Tensor, columns: Tensor, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Combine what two sides know of rows (2, Y, G) and columns (2, X, G) to (G * Y * X, 4)."""
    table = combine(rows[:, None, :, None], columns[None, :, None, :])  # (2, 2, Y, X, G)
    return table.permute(4, 2, 3, 0, 1).reshape(-1, 4)
