"""The memory of the compiled network for images of one size, whole or in strips of rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aliked_ros.inference.kernels import Map

_STEP_PIXELS = (
    500_000  # go through the layers together: a small image whole, or rows of a large one
)
_BLOCK1_NUMBERS = 70_000_000  # of the largest map of block 1 that stays, 280 MB
_KEPT = 8  # rows that stay for the next ones; the score head goes back farthest, six


class Strip:
    """A feature map that is made from top to bottom, and has its last rows in memory.

    A 3x3 convolution finds zeros in the row above the first one and below the last one.

    Args:
        height: rows of the map.
        width: columns.
        channels: numbers of a pixel.
        step: rows that are added at a time; `height` keeps all of them.
        kind: the type of its numbers.

    Attributes:
        map: the map as if all rows were in memory.
        end: number of rows made so far.
    """

    def __init__(
        self, height: int, width: int, channels: int, step: int, kind: type[Map] = Map
    ) -> None:
        capacity = min(height, step + 2 * _KEPT)
        self._rows = torch.zeros(capacity + 2, width + 2, channels, dtype=kind.dtype)
        self._kind = kind
        self._shape = (height, width, channels)
        self.end, self._first = 0, 0
        self._place()

    def rewind(self) -> None:
        """Begin with the first row again."""
        self.end = 0
        if self._first:
            self._first = 0
            self._rows[0].zero_()
            self._place()

    def extend(self, end: int) -> Map:
        """Return memory for the next rows, up to `end`; the last rows before them stay."""
        begin, capacity = self.end, len(self._rows) - 2
        if end - self._first > capacity:
            first = max(begin - _KEPT, 0)
            kept = self._rows[first - self._first + 1 : begin - self._first + 1].clone()
            self._rows[1 : 1 + len(kept)] = kept
            self._first = first
            self._place()
        self.end = end
        if self._first and end == self._shape[0]:
            self._rows[end - self._first + 1].zero_()
        return self.map.rows(begin, end)

    def _place(self) -> None:
        step = self._rows.stride(0) * self._rows.element_size()
        first = self._rows[1:, 1:].data_ptr()
        self.map = self._kind(first - self._first * step, *self._shape)


class Workspace:
    """All memory for images of one size; made once, overwritten by every image.

    The first two levels are made in strips, from top to bottom and, for the score map, once more.
    Whatever is 1/8 of the image and less is whole, as deformable taps may reach anywhere.

    Args:
        channels: of the four blocks; a level has a quarter of the last number.
        height: of the padded image, px, a multiple of 32.
        width: of the padded image, px, a multiple of 32.
        kind: the numbers of blocks 1 and 2; in bfloat16 block 1 always stays.

    Attributes:
        ends: rows of the padded image before which the layers take turns; the last is the height.
        keeps_block1: the map of block 1 stays until the descriptors are made. If not, what is
            needed of it later is computed again, so that memory does not grow with the pixels.
        image: the pixels.
        hidden: between the convolutions of blocks 1 and 2.
        blocks: the results of blocks 1 and 2.
        pooled: the inputs of blocks 2 to 4.
        level: the features of level 2, whole.
        coarse: their part of the score head.
        deep: the maps of blocks 3 and 4.
    """

    def __init__(
        self, channels: Sequence[int], height: int, width: int, kind: type[Map] = Map
    ) -> None:
        c1, c2, c3, c4 = channels
        features = c4 // 4
        self.keeps_block1 = kind is not Map or height * width * c1 <= _BLOCK1_NUMBERS
        step = max(_STEP_PIXELS // width // 32 * 32, 32)
        self.ends = [*range(step, height, step), height]
        half, eighth, last = [(height // stride, width // stride) for stride in (2, 8, 32)]
        half_step = step // 2
        colours = 3 if kind is Map else 4
        self.image = Strip(height, width, colours, step, kind)
        self.hidden = [Strip(height, width, c1, step, kind), Strip(*half, c2, half_step, kind)]
        kept = height if self.keeps_block1 else step
        self.blocks = [Strip(height, width, c1, kept, kind), Strip(*half, c2, half_step, kind)]
        self.pooled = [
            Strip(*half, c1, half_step, kind),
            Strip(*eighth, c2, eighth[0]),
            Strip(*last, c3, last[0]),
        ]
        self.level = Strip(*half, features, half[0])
        self.coarse = Strip(*half, 8, half_step)
        self.deep = [Deep(*eighth, c3, features), Deep(*last, c4, features)]
        self._memory: dict[str, Tensor] = {}

    def rewind(self) -> None:
        """Begin with the first rows again."""
        strips = (self.image, self.level, self.coarse, *self.hidden, *self.blocks, *self.pooled)
        for strip in strips:
            strip.rewind()

    def rows(
        self, name: str, rows: int, columns: int, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Return memory (rows, columns) that stays from image to image; it holds anything."""
        memory = self._memory.get(name)
        if memory is None or len(memory) < rows * columns:
            memory = self._memory[name] = torch.empty(rows * columns, dtype=dtype)
        return memory[: rows * columns].view(rows, columns)


class Deep:
    """The maps of a block with deformable convolutions, whose taps may lie anywhere: whole.

    Args:
        height: rows of the maps.
        width: columns.
        channels: of the block.
        features: of a level.
    """

    def __init__(self, height: int, width: int, channels: int, features: int) -> None:
        self.offsets = Map.zeros(height, width, 32)
        self.hidden = Map.zeros(height, width, channels)
        self.block = Map.zeros(height, width, channels)
        self.level = Map.zeros(height, width, features)
        self.coarse = Map.zeros(height, width, 8)
