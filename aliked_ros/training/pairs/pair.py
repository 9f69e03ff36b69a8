"""A pair of training images, and what can draw one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aliked_ros.structs import Pixels
from aliked_ros.training.pairs.warps import Warp


@dataclass(frozen=True, eq=False)
class TrainingPair:
    """Two images of one size that show the same things.

    Attributes:
        image0: (H, W, 3) RGB.
        image1: (H, W, 3) RGB.
        warp_1_0: takes pixels of image 0 into image 1.
        warp_0_1: takes pixels of image 1 into image 0.
        unreadable: files that could not be read while this pair was drawn.
    """

    image0: Pixels
    image1: Pixels
    warp_1_0: Warp
    warp_0_1: Warp
    unreadable: tuple[str, ...] = ()


class PairSource(Protocol):
    """An endless supply of pairs."""

    def draw(self, generator: np.random.Generator) -> TrainingPair:
        """Return a pair; everything random comes from the generator, so a seed repeats it."""
