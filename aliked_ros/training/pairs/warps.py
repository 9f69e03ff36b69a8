"""Where a point of one image lies in the other: what every loss is measured against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Warped(NamedTuple):
    """Points of one image, taken into the other.

    Attributes:
        points: (N, 2) px, (x, y); the gradient flows to the points that were given.
        is_visible: (N,) bool, the point lies inside the other image and nothing hides it there.
        is_known: (N,) bool, False where the depth is missing, so that nothing can be said.
    """

    points: Tensor
    is_visible: Tensor
    is_known: Tensor


Move = Callable[[Tensor], Tensor]


class Warp(Protocol):
    """Takes points of one image into the other."""

    def __call__(self, points: Tensor) -> Warped:
        """Warp points (N, 2) float32, px, (x, y), pixel centres at whole numbers."""

    def moved(self, move: Move) -> Warp:
        """Return the same warp with its tensors moved, as to a device."""


@dataclass(frozen=True, eq=False)
class HomographyWarp:
    """The two images show one plane, or were taken from one place.

    Attributes:
        H_b_a: (3, 3) from pixels of image a, where the points are, to pixels of image b.
        size_b: (height, width) of image b, px.
        is_covered: (height, width) bool, where something else stands before the plane in image b.
    """

    H_b_a: Tensor
    size_b: tuple[int, int]
    is_covered: Tensor | None = None

    def moved(self, move: Move) -> HomographyWarp:
        """See `Warp.moved`."""
        covered = None if self.is_covered is None else move(self.is_covered)
        return HomographyWarp(move(self.H_b_a), self.size_b, covered)

    def __call__(self, points: Tensor) -> Warped:
        """Warp points (N, 2) px; those at or beyond the horizon are not visible."""
        H_b_a = self.H_b_a.to(points)
        # Not a matrix product: under autocast that would be done in half precision.
        homogeneous = (H_b_a[:, :2] * points[:, None, :]).sum(dim=2) + H_b_a[:, 2]  # (N, 3)
        w = homogeneous[:, 2:]
        is_before = w[:, 0] > 1e-6
        warped = homogeneous[:, :2] / torch.where(is_before[:, None], w, torch.ones_like(w))
        is_visible = is_before & is_inside(warped, self.size_b)
        if self.is_covered is not None:
            height, width = self.size_b
            x, y = warped.detach().round().long().unbind(1)
            cover = self.is_covered.to(points.device)
            is_visible &= ~cover[y.clamp(0, height - 1), x.clamp(0, width - 1)]
        return Warped(warped, is_visible, torch.ones_like(is_visible))


def is_inside(points: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Return which points (N, 2) px lie between the centres of the outermost pixels: (N,)."""
    height, width = image_size
    x, y = points.unbind(-1)
    return (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
