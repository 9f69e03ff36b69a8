"""Which part of an image is looked at, and how large; keypoints are those of the whole image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import cv2
import numpy as np
import torch

from aliked_ros.config.nodes import ViewConfig
from aliked_ros.images import ImageError
from aliked_ros.spreading import spread
from aliked_ros.structs import Features, Pixels

_MAX_KEYPOINTS = 100_000


@dataclass(frozen=True)
class _Cut:
    """A part of images of one size.

    Attributes:
        x: first column, px.
        y: first row, px.
        size: (width, height) of the part, px.
        resized: (width, height) that it is resized to.
        mask: (H, W) of the whole image, 0 where no keypoint is wanted; None: they are everywhere.
    """

    x: int
    y: int
    size: tuple[int, int]
    resized: tuple[int, int]
    mask: Pixels | None


class ImageView:
    """Cuts, resizes and masks images; calibration and depth stay those of the whole image.

    Args:
        config: what is looked at.

    Attributes:
        has_mask_topic: whether each image may have a mask of its own.

    Raises:
        ValueError: if crop is no rectangle or mask no picture.
    """

    def __init__(self, config: ViewConfig) -> None:
        self._config = config
        self.has_mask_topic = config.use_mask_topic
        self._crop = _rectangle(config.crop)
        self._mask: Pixels | None = None
        if config.mask:
            self._mask = cv2.imread(config.mask, cv2.IMREAD_GRAYSCALE)
            if self._mask is None:
                raise ValueError(f"mask is {config.mask!r}: no picture can be read there")
        self._cuts: dict[tuple[int, int], _Cut] = {}  # by (width, height) of images

    def cut(self, image: Pixels) -> Pixels:
        """Return the part of an image that is looked at, as large as it is looked at.

        Raises:
            ImageError: if crop or mask do not fit the image.
        """
        cut = self._cut_of(image)
        if cut.resized == cut.size == image.shape[1::-1]:
            return image
        width, height = cut.size
        part = image[cut.y : cut.y + height, cut.x : cut.x + width]
        if cut.resized == cut.size:
            return np.ascontiguousarray(part)
        return np.asarray(cv2.resize(part, cut.resized, interpolation=cv2.INTER_AREA), np.uint8)

    def num_asked_for(
        self, image: Pixels, num_keypoints: int, own_mask: Pixels | None = None
    ) -> int:
        """Return how many keypoints must be found, so that enough are outside the masks.

        Args:
            image: that is looked at.
            num_keypoints: that are wanted at most.
            own_mask: (H, W) of this image, 0 where no keypoint is wanted; beside the one of all.
        """
        cut = self._cut_of(image)
        mask = _together(cut.mask, own_mask)
        if mask is None:
            return num_keypoints
        width, height = cut.size
        part = mask[cut.y : cut.y + height, cut.x : cut.x + width]
        share = cv2.countNonZero(part) / part.size
        if share == 0.0:
            return num_keypoints  # none will be kept, however many there are
        return min(ceil(num_keypoints / max(share, 0.05)), max(num_keypoints, _MAX_KEYPOINTS))

    def in_whole_image(
        self,
        features: Features,
        image: Pixels,
        num_keypoints: int,
        own_mask: Pixels | None = None,
        *,
        is_spread: bool = False,
    ) -> Features:
        """Return features of the part as those of the whole image, as many as are wanted.

        Args:
            features: whose keypoints are px in what `cut` returned.
            image: that was cut.
            num_keypoints: that are wanted at most.
            own_mask: as in `num_asked_for`.
            is_spread: take those that lie all over the image, not the best.
        """
        cut = self._cut_of(image)
        mask = _together(cut.mask, own_mask)
        is_whole = cut.resized == cut.size == image.shape[1::-1]
        moved = features if is_whole else self._moved(features, cut, image)
        if mask is not None:
            moved = _outside(mask, moved)
        if is_spread:
            return spread(moved, num_keypoints)
        return moved if len(moved) <= num_keypoints else moved.select(torch.arange(num_keypoints))

    def _moved(self, features: Features, cut: _Cut, image: Pixels) -> Features:
        scales = [a / b for a, b in zip(cut.size, cut.resized, strict=True)]
        keypoints = features.keypoints
        scale = keypoints.new_tensor(scales)
        offset = keypoints.new_tensor([cut.x - 0.5, cut.y - 0.5])
        on_host = features.on_host
        return replace(
            features,
            keypoints=(keypoints + 0.5) * scale + offset,
            image_size=(image.shape[0], image.shape[1]),
            on_host=None if on_host is None else self._moved(on_host, cut, image),
        )

    def _cut_of(self, image: Pixels) -> _Cut:
        size = (image.shape[1], image.shape[0])
        if size not in self._cuts:
            self._cuts = {size: self._make_cut(*size)}
        return self._cuts[size]

    def _make_cut(self, width: int, height: int) -> _Cut:
        x, y, part_width, part_height = self._crop or (0, 0, width, height)
        if x + part_width > width or y + part_height > height:
            raise ImageError(
                f"crop is {self._config.crop!r}, which reaches outside an image of {width}x{height}"
            )
        mask = self._mask
        if mask is not None and mask.shape != (height, width):
            raise ImageError(
                f"mask is {mask.shape[1]}x{mask.shape[0]}, the image is {width}x{height}: give "
                "a mask of its size"
            )
        resized = (part_width, part_height)
        limit = self._config.image_width
        if 0 < limit < part_width:
            resized = (limit, max(1, round(part_height * limit / part_width)))
        return _Cut(x, y, (part_width, part_height), resized, mask)


def _outside(mask: Pixels, features: Features) -> Features:
    """Return the features that a mask (H, W) does not cover: where it is not 0."""
    keypoints = features.to("cpu").keypoints.numpy()
    x, y = np.rint(keypoints).astype(np.int64).T
    height, width = mask.shape
    is_wanted = mask[y.clip(0, height - 1), x.clip(0, width - 1)] > 0
    return features.select(torch.from_numpy(np.flatnonzero(is_wanted)))


def _together(mask: Pixels | None, other: Pixels | None) -> Pixels | None:
    """Return a mask that is 0 where one of two is."""
    if mask is None or other is None:
        return other if mask is None else mask
    return np.minimum(mask, other)


def _rectangle(text: str) -> tuple[int, int, int, int] | None:
    """Return x, y, width and height, or None for an empty text.

    Raises:
        ValueError: if it is no rectangle.
    """
    if not text.strip():
        return None
    words = text.replace(",", " ").split()
    numbers = [int(word) for word in words if word.isdecimal()]
    if len(words) != 4 or len(numbers) != 4 or 0 in numbers[2:]:
        raise ValueError(f"crop is {text!r}: give 'x y width height', px, or nothing")
    x, y, width, height = numbers
    return x, y, width, height
