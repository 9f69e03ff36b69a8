"""Photographs -> pairs of images of a plane: two views of a part of a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from aliked_ros.structs import Array, Mask, Pixels
from aliked_ros.training.pairs.appearance import change_light, degrade, occlude
from aliked_ros.training.pairs.pair import TrainingPair
from aliked_ros.training.pairs.photographs import Photographs
from aliked_ros.training.pairs.warps import HomographyWarp


@dataclass(frozen=True)
class ViewRange:
    """How much two views of a photograph differ.

    Attributes:
        max_rotation_deg: turn between the views.
        max_scale: ratio of their scales.
        max_slant: corners of the second view move by up to this part of its side.
        max_shift: of the second view's centre, as a part of its side.
    """

    max_rotation_deg: float = 30.0
    max_scale: float = 1.6
    max_slant: float = 0.15
    max_shift: float = 0.25


class HomographicPairs:
    """Draws two square views of a random part of a random photograph.

    Args:
        photographs: what the views show.
        size_px: side of the views.
        views: how much they differ.
        appearance: strength of the changes in light, sharpness and noise; 0 leaves them out.
    """

    def __init__(
        self, photographs: Photographs, size_px: int, views: ViewRange, appearance: float = 1.0
    ) -> None:
        self._photographs = photographs
        self._size_px = size_px
        self._views = views
        self._appearance = appearance

    def draw(self, generator: np.random.Generator) -> TrainingPair:
        """Return two views of one photograph."""
        photograph, unreadable = self._photographs.draw(generator)
        height, width = photograph.shape[:2]
        quad0, quad1 = draw_views(generator, (height, width), self._size_px, self._views)
        H0, H1 = (_view_from_photograph(quad, self._size_px) for quad in (quad0, quad1))
        image0, cover0 = self._change(_look(photograph, H0, self._size_px), generator)
        image1, cover1 = self._change(_look(photograph, H1, self._size_px), generator)
        H_1_0 = torch.from_numpy(H1 @ np.linalg.inv(H0)).float()
        H_0_1 = torch.from_numpy(H0 @ np.linalg.inv(H1)).float()
        size = (self._size_px, self._size_px)
        return TrainingPair(
            image0,
            image1,
            HomographyWarp(H_1_0, size, torch.from_numpy(cover1)),
            HomographyWarp(H_0_1, size, torch.from_numpy(cover0)),
            unreadable,
        )

    def _change(self, image: Pixels, generator: np.random.Generator) -> tuple[Pixels, Mask]:
        strength = self._appearance
        image, cover = occlude(image, generator, strength)
        return degrade(change_light(image, generator, strength), generator, strength), cover


def draw_views(
    generator: np.random.Generator,
    photograph_size: tuple[int, int],
    size_px: int,
    views: ViewRange,
) -> tuple[Array, Array]:
    """Return the corners (4, 2) px of two views in a photograph, clockwise from the top left.

    View 0 is an upright square; view 1 is turned, scaled, slanted and moved against it. Both lie
    inside the photograph.
    """
    height, width = photograph_size
    limit = min(height, width) - 1.0
    # One pixel of a view covers 0.7 to 2.5 pixels of the photograph, as far as that has them.
    side = min(size_px * np.exp(generator.uniform(np.log(0.7), np.log(2.5))), limit)
    square = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    centre0 = generator.uniform((0, 0), (width - 1.0, height - 1.0))
    quad0 = _into(centre0 + side * square, width, height)
    angle = np.radians(generator.uniform(-1, 1) * views.max_rotation_deg)
    log_scale = generator.uniform(-1, 1) * np.log(views.max_scale)
    corners = square + generator.uniform(-1, 1, (4, 2)) * views.max_slant
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = generator.uniform(-1, 1, 2) * views.max_shift * side
    quad1 = quad0.mean(axis=0) + shift + side * np.exp(log_scale) * corners @ R.T
    return quad0, _into(quad1, width, height)


def _into(quad: Array, width: int, height: int) -> Array:
    """Shrink a quadrilateral where it is larger than the photograph, and move it inside."""
    extent = np.ptp(quad, axis=0)
    room = np.array([width - 1.0, height - 1.0])
    factor = min(1.0, float((room / extent).min()))
    centre = quad.mean(axis=0)
    quad = centre + factor * (quad - centre)
    quad = quad - np.minimum(quad.min(axis=0), 0)
    return quad - np.maximum(quad.max(axis=0) - room, 0)


def _view_from_photograph(quad: Array, size_px: int) -> Array:
    """Return the homography (3, 3) from pixels of the photograph to pixels of the view.

    Its last row is positive on the quadrilateral: that is the side of the horizon that is seen.
    """
    last = size_px - 1.0
    frame = np.array([[0, 0], [last, 0], [last, last], [0, last]], np.float32)
    H = cv2.getPerspectiveTransform(quad.astype(np.float32), frame)
    # OpenCV makes it positive at the corner of the photograph, which may lie beyond the horizon.
    return H * np.sign(H[2] @ np.append(quad.mean(axis=0), 1))


def _look(photograph: Pixels, H: Array, size_px: int) -> Pixels:
    """Return the view; a shrinking one is smoothed first, so that no detail folds over."""
    corners = np.array([[0, 0], [size_px, 0], [size_px, size_px], [0, size_px]], np.float64)
    in_photograph = cv2.perspectiveTransform(corners[None], np.linalg.inv(H))[0]
    area = cv2.contourArea(in_photograph.astype(np.float32))
    reduction = np.sqrt(area) / size_px
    if reduction > 1.2:
        photograph = cv2.GaussianBlur(photograph, (0, 0), 0.4 * reduction)
    return cv2.warpPerspective(
        photograph, H, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
