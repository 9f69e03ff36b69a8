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


def draw_frames(
    generator: np.random.Generator, num_frames: int, distance: tuple[int, int]
) -> tuple[int, int]:
    """Return two frames as far apart as is asked, in either order.

    Args:
        generator: of everything random.
        num_frames: of the sequence.
        distance: least and greatest number of frames between the two, both included.
    """
    apart = int(generator.integers(*distance, endpoint=True))
    earlier = int(generator.integers(num_frames - apart))
    frames = [earlier, earlier + apart]
    generator.shuffle(frames)
    return frames[0], frames[1]
