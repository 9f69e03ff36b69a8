"""The results of a frame into memory of their own, on the device and on the host."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aliked_ros.inference.delivery import parts_of
from aliked_ros.structs import Features, Floats

_MAX_SPARE = 4  # buffers that wait to be used again


class _Buffer:
    """Page-locked memory for the results of a frame; lent out, and back when nobody looks at it."""

    def __init__(self, raw: Tensor, shape: torch.Size) -> None:
        self.memory = raw.view(torch.float32).view(shape)
        raw_bytes: Any = raw.numpy()
        self._bytes = memoryview(raw_bytes)
        self._watch: weakref.ref[Floats] | None = None

    def lend(self, takes_back: Callable[[_Buffer], None]) -> Floats:
        """Return the memory as an array; `takes_back` is called when it and all views are gone."""
        # Not a view of another array: views of this one have to keep it alive, not that one.
        array = np.frombuffer(self._bytes, np.float32).reshape(self.memory.shape)
        owner = array.base
        assert isinstance(owner, np.ndarray)
        self._watch = weakref.ref(owner, lambda _: takes_back(self))
        return array


class Downloads:
    """Copies the results of frames of one size out of the memory that the next frame overwrites.

    Page-locked memory is kept and used again once nobody holds features in it any more, because
    asking the driver for it, and for whether it is free again, takes longer than copying.

    Args:
        packed: (B, length) float32 on the device, what is copied.
        dim: numbers of a descriptor.
        image_size: (height, width), px.
        new_pinned: makes (n,) uint8 of page-locked host memory.
    """

    def __init__(
        self, packed: Tensor, dim: int, image_size: tuple[int, int],
        new_pinned: Callable[[int], Tensor],
    ) -> None:  # fmt: skip
        self._packed, self._dim, self._image_size = packed, dim, image_size
        self._new_pinned = new_pinned
        self._spare: deque[_Buffer] = deque(maxlen=_MAX_SPARE)
        self._lent: set[_Buffer] = set()  # only whoever is alive can be given back

    def start(self, num_expected: int) -> Download:
        """Copy, without waiting for anything.

        Args:
            num_expected: keypoints that each image probably has.
        """
        try:
            buffer = self._spare.pop()
        except IndexError:
            num_bytes = self._packed.numel() * self._packed.element_size()
            buffer = _Buffer(self._new_pinned(num_bytes), self._packed.shape)
        self._lent.add(buffer)
        array = buffer.lend(self._take_back)
        buffer.memory.copy_(self._packed, non_blocking=True)
        results = self._packed.clone()
        return Download(results, array, self._dim, self._image_size, num_expected)

    def _take_back(self, buffer: _Buffer) -> None:
        self._lent.discard(buffer)
        self._spare.append(buffer)


class Download:
    """Results under way.

    Args:
        results: (B, length) float32 on the device.
        array: (B, length) float32 in host memory, where they arrive.
        dim: numbers of a descriptor.
        image_size: (height, width), px.
        num_expected: keypoints that each image probably has.

    Attributes:
        results: see above.
    """

    def __init__(
        self, results: Tensor, array: Floats, dim: int, image_size: tuple[int, int],
        num_expected: int,
    ) -> None:  # fmt: skip
        self.results = results
        self._array, self._dim, self._image_size = array, dim, image_size
        # While the device works there is time to make the views, and mostly they are right.
        self._counts = [float(num_expected)] * len(results)
        self._features = self._cut(self._counts)

    def finish(self) -> list[Features]:
        """Return the features; to be called when everything has arrived."""
        counts: list[float] = self._array[:, 0].tolist()
        return self._features if counts == self._counts else self._cut(counts)

    def _cut(self, counts: Sequence[float]) -> list[Features]:
        length = self._array.shape[1]
        features = []
        for image, count in enumerate(counts):
            here, there = [], []
            for first, shape, strides in parts_of(length, self._dim, int(count)):
                row = self._array[image, first : first + shape[0] * strides[0]]
                here.append(torch.from_numpy(row if len(shape) == 1 else row.reshape(shape)))
                there.append(self.results.as_strided(shape, strides, image * length + first))
            on_host = Features(here[0], here[1], here[2], here[3], self._image_size)
            on_device = Features(there[0], there[1], there[2], there[3], self._image_size, on_host)
            features.append(on_device)
        return features
