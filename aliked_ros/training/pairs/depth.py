"""Two posed views with depth -> a pair of square crops that show enough of the same surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from aliked_ros.geometry import se3
from aliked_ros.structs import Array, Floats, Mask, Pixels
from aliked_ros.training.pairs.depth_warp import DepthWarp, interpolate_depth
from aliked_ros.training.pairs.pair import TrainingPair
from aliked_ros.training.pairs.warps import Warp

_GRID = 32  # points along each side of an image with which common parts are looked for
_CROPS_PER_VIEWS = 4  # reading two views costs more than a second look at them
_MAX_TRIES = 100  # views drawn before a source is given up


class UnreadableError(ValueError):
    """A file of a view that cannot be read; the text begins with its name."""


@dataclass(frozen=True, eq=False)
class DepthView:
    """A posed view with depth.

    Attributes:
        image: (H, W, 3) RGB.
        depth: (H, W) float32 along the optical axis, in the unit of the pose; 0 where missing.
        K: (3, 3) pinhole intrinsics without skew, px.
        T_camera_world: (4, 4).
    """

    image: Pixels
    depth: Floats
    K: Array
    T_camera_world: Array


@dataclass(frozen=True, eq=False)
class DepthPairOptions:
    """How two views become a pair.

    Attributes:
        size_px: side of the square images.
        crop_share: least and greatest side of a crop, as a share of the image's shorter side; each
            of the two crops draws its own, so that scales differ.
        min_visible: share of a crop that has to be seen in the other one, in both directions.
        tolerance, relative_tolerance: as in DepthWarp.
        change: makes of a crop and the generator what a worse camera in other light would have
            seen, without moving anything; None: nothing.
    """

    size_px: int
    crop_share: tuple[float, float]
    min_visible: float
    tolerance: float
    relative_tolerance: float
    change: Callable[[Pixels, np.random.Generator], Pixels] | None = None

    def __post_init__(self) -> None:
        low, high = self.crop_share
        if self.size_px < 2:
            raise ValueError(f"size_px is {self.size_px}: give at least 2")
        if not 0 < low <= high <= 1:
            raise ValueError(f"crop_share is {self.crop_share}: give 0 < least <= greatest <= 1")
        if not 0 < self.min_visible <= 1:
            raise ValueError(f"min_visible is {self.min_visible}: give 0 < share <= 1")
        if (
            min(self.tolerance, self.relative_tolerance) < 0
            or self.tolerance + (self.relative_tolerance) <= 0
        ):
            raise ValueError(
                f"tolerance is {self.tolerance}, relative_tolerance {self.relative_tolerance}: "
                "give one of them above 0 and none below"
            )


def draw_usable(
    draw_views: Callable[[np.random.Generator], tuple[DepthView, DepthView] | None],
    options: DepthPairOptions,
    generator: np.random.Generator,
    source: str,
) -> TrainingPair:
    """Draw views until two of them make a pair.

    Args:
        draw_views: returns two views, or None where the ones drawn have no pose; raises
            UnreadableError for a broken file.
        options: how views become a pair.
        generator: of everything random.
        source: folder and layout, for the error.

    Raises:
        ValueError: no pair after many tries, and the reasons.
    """
    unreadable: list[str] = []
    for _ in range(_MAX_TRIES):
        try:
            views = draw_views(generator)
        except UnreadableError as error:
            unreadable.append(str(error))
            continue
        pair = None if views is None else crop_pair(*views, options, generator)
        if pair is not None:
            return replace(pair, unreadable=tuple(dict.fromkeys(unreadable)))
    broken = f" (the first one: {unreadable[0]})" if unreadable else ""
    raise ValueError(
        f"{source}: no usable pair in {_MAX_TRIES} tries, of which {len(unreadable)} ended at a "
        f"file that cannot be read{broken}; the others lack a pose or show less than "
        f"{options.min_visible:.0%} of each other: lower min_visible or draw views closer together"
    )


def crop_pair(
    view0: DepthView, view1: DepthView, options: DepthPairOptions, generator: np.random.Generator
) -> TrainingPair | None:
    """Cut a pair out of two views: around something that both see, at random sizes.

    Returns:
        the pair, or None where a few crops all show too little of each other.
    """
    points0 = _grid_over(view0.depth.shape)
    warped = warp_between(view0, view1, options)(points0)
    seen0 = points0[warped.is_visible].numpy()
    seen1 = warped.points[warped.is_visible].numpy()
    if len(seen0) == 0:
        return None
    for _ in range(_CROPS_PER_VIEWS):
        centre0 = seen0[generator.integers(len(seen0))]
        window0 = _place(centre0, view0, options, generator)
        landed = seen1[window0.holds(seen0)]
        window1 = _place(np.median(landed, axis=0), view1, options, generator)
        crop0 = cut(view0, window0, options.size_px)
        crop1 = cut(view1, window1, options.size_px)
        warp_1_0, warp_0_1 = (
            warp_between(crop0, crop1, options),
            warp_between(crop1, crop0, options),
        )
        if min(_visible_share(w, options.size_px) for w in (warp_1_0, warp_0_1)) < (
            options.min_visible
        ):
            continue
        images = [crop0.image, crop1.image]
        if options.change is not None:
            images = [options.change(image, generator) for image in images]
        return TrainingPair(images[0], images[1], warp_1_0, warp_0_1)
    return None


class Window(NamedTuple):
    """A square part of an image: its first column and row, and its side, px."""

    left: int
    top: int
    side: int

    def holds(self, points: Floats) -> Mask:
        """Return which points (N, 2) px lie inside."""
        corner = np.array([self.left, self.top])
        return ((points >= corner) & (points <= corner + self.side - 1)).all(axis=1)


def cut(view: DepthView, window: Window, size_px: int) -> DepthView:
    """Return a square part of a view, resized to `size_px`, with the intrinsics of that.

    A pixel u of the part goes to (u + 0.5) * s - 0.5. Depth is read where the centres of the new
    pixels lie, never blurred over missing values.
    """
    left, top, side = window
    part = np.s_[top : top + side, left : left + side]
    K = view.K.copy()
    K[:2, 2] -= left, top
    if side == size_px:
        image, depth = view.image[part].copy(), view.depth[part].copy()
        return DepthView(image, depth, K, view.T_camera_world)
    scale = size_px / side
    K[:2] *= scale
    K[:2, 2] += 0.5 * scale - 0.5
    shrinks = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = cv2.resize(view.image[part], (size_px, size_px), interpolation=shrinks)
    along = (np.arange(size_px, dtype=np.float32) + 0.5) / scale - 0.5
    points = torch.from_numpy(_grid(left + along, top + along))
    read, is_known = interpolate_depth(torch.from_numpy(view.depth), points)
    depth = np.where(is_known.numpy(), read.numpy(), np.float32(0)).reshape(size_px, size_px)
    return DepthView(image.astype(np.uint8), depth, K, view.T_camera_world)


def _place(
    centre: Array, view: DepthView, options: DepthPairOptions, generator: np.random.Generator
) -> Window:
    """Return a window of random size around a pixel, moved until it lies inside the image."""
    height, width = view.depth.shape
    side = max(2, round(min(height, width) * generator.uniform(*options.crop_share)))
    left, top = np.clip(np.round(centre - (side - 1) / 2), 0, [width - side, height - side])
    return Window(int(left), int(top), side)


def warp_between(view_a: DepthView, view_b: DepthView, options: DepthPairOptions) -> DepthWarp:
    """Return the warp from view a to view b, with the tolerances of the options."""
    T_b_a = view_b.T_camera_world @ se3.inverse(view_a.T_camera_world)
    depth_a, depth_b, K_a, K_b, T = map(
        torch.from_numpy, (view_a.depth, view_b.depth, view_a.K, view_b.K, T_b_a)
    )
    return DepthWarp(depth_a, depth_b, K_a, K_b, T, options.tolerance, options.relative_tolerance)


def _visible_share(warp: Warp, size_px: int) -> float:
    return float(warp(_grid_over((size_px, size_px))).is_visible.float().mean())


def _grid_over(image_size: tuple[int, ...]) -> Tensor:
    """Return points (N, 2) spread over an image, half a step from its border."""
    share = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID
    return torch.from_numpy(_grid(share * (image_size[1] - 1), share * (image_size[0] - 1)))


def _grid(x: Floats, y: Floats) -> Floats:
    """Return the points (len(y) * len(x), 2) of a grid, row by row."""
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
