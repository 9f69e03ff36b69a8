"""The memory of the compiled network for images of one size, whole or in strips of rows."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.kernels import Map
from aliked_ros.network.aliked import ALIKED

_STEP = 64  # rows of a large image that go through the layers together, a multiple of 32
_KEPT = 8  # rows that stay for the next ones; the score head goes back farthest, six


class Strip:
    """A feature map that is made from top to bottom, and has its last rows in memory.

    A 3x3 convolution finds zeros in the row above the first one and below the last one.

    Args:
        height: rows of the map.
        width: columns.
        channels: numbers of a pixel.
        step: rows that are added at a time; `height` keeps all of them.

    Attributes:
        map: the map as if all rows were in memory.
        end: number of rows made so far.
    """

    def __init__(self, height: int, width: int, channels: int, step: int) -> None:
        capacity = min(height, step + 2 * _KEPT)
        self._rows = torch.zeros(capacity + 2, width + 2, channels)
        self._shape = (height, width, channels)
        self.rewind()

    def rewind(self) -> None:
        """Begin with the first row again."""
        self.end, self._first = 0, 0
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
        if end == self._shape[0]:
            self._rows[end - self._first + 1].zero_()
        return self.map.rows(begin, end)

    def _place(self) -> None:
        step = self._rows.stride(0) * self._rows.element_size()
        first = self._rows[1:, 1:].data_ptr()
        self.map = Map(first - self._first * step, *self._shape)


class Workspace:
    """All memory for images of one size; made once, overwritten by every image.

    Levels are counted from 0, at 1, 1/2, 1/8 and 1/32 of the padded image.

    Args:
        network: whose maps they are.
        height: of the padded image, px.
        width: of the padded image, px.
        is_whole: block 1 stays until the descriptors are made. If not, the first two levels go
            through in strips, and what is needed of block 1 later is computed once more.

    Attributes:
        ends: rows after which the layers take turns, the last one is the height.
        image, hidden, blocks, pooled: maps of the blocks at the first two levels.
        level: features of level 1, whole.
        coarse: their part of the score head.
        deep: maps of the blocks at levels 2 and 3.
    """

    def __init__(self, network: ALIKED, height: int, width: int, is_whole: bool) -> None:
        self.is_whole = is_whole
        step = height if is_whole else _STEP
        self.ends = [*range(step, height, step), height]
        c1, c2, c3, c4 = network.channels
        half, eighth = (height // 2, width // 2), (height // 8, width // 8)
        self.image = Strip(height, width, 3, step)
        self.hidden = [Strip(height, width, c1, step), Strip(*half, c2, step // 2)]
        self.blocks = [Strip(height, width, c1, step), Strip(*half, c2, step // 2)]
        self.pooled = [Strip(*half, c1, step // 2), Strip(*eighth, c2, eighth[0])]
        self.level = Strip(*half, network.dim // 4, half[0])
        self.coarse = Strip(*half, 8, step // 2)
        self.deep = [
            Deep(*eighth, c3, network.dim // 4),
            Deep(height // 32, width // 32, c4, network.dim // 4),
        ]
        self.pooled_deep = Map.zeros(height // 32, width // 32, c3)
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
