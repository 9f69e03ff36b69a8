"""The memory of a frame on a GPU: what goes up, and what comes down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from aliked_ros.inference.delivery import packed_length, split_packed
from aliked_ros.inference.stages import Controls, Geometry, Outputs
from aliked_ros.structs import Image, Pixels

_HEADER_WORDS = 64  # multiples of these many 4-byte words stand before the pixels
_STEP = 4  # words, 16 bytes: each part begins at a multiple, or kernels are compiled once more
_CAPACITY_STEP = 256  # keypoints


class Frame:
    """Memory for images of one size, used again for every frame.

    What is uploaded lies together, so that one copy carries it: threshold and limit, zeros for what
    is counted, and the pixels, unless they are on the device already.

    Args:
        geometry: of the images.
        max_keypoints: there is room for at least as many.
        dim: numbers of a descriptor.
        device: of the network.
        is_on_device: the images come in the device's memory.
        new_pinned: makes (n,) uint8 of page-locked host memory, which a GPU reads by itself.

    Attributes:
        capacity: keypoints of an image at most.
        pixels: (B, H, W, C) uint8 on the device.
        controls: views of what was uploaded.
        packed: (B, length) float32 on the device, the results.
        outputs: views of `packed`.
    """

    def __init__(
        self, geometry: Geometry, max_keypoints: int, dim: int, device: torch.device,
        is_on_device: bool, new_pinned: Callable[[int], Tensor],
    ) -> None:  # fmt: skip
        batch = geometry.batch
        self.geometry, self.dim = geometry, dim
        self.is_on_device = is_on_device
        self.capacity = _round_up(max_keypoints, _CAPACITY_STEP)
        second = 2 * _STEP + _round_up(batch, _STEP)  # where the second (B,) of the header begins
        words = _round_up(second + batch, _HEADER_WORDS)
        shape = (batch, geometry.height, geometry.width, geometry.channels)
        num_pixels = batch * geometry.height * geometry.width * geometry.channels
        self._staging = new_pinned(4 * words + (0 if is_on_device else num_pixels))
        self._uploaded = torch.empty(4 * words + num_pixels, dtype=torch.uint8, device=device)
        self.pixels = self._uploaded[4 * words :].view(shape)
        staged = self._staging.numpy()
        self._threshold = staged[:4].view(np.float32)
        self._limit = staged[4 * _STEP :][:4].view(np.int32)
        staged[: 4 * words] = 0
        self._staged_pixels: list[Pixels] = []
        if not is_on_device:
            self._staged_pixels = list(staged[4 * words :].reshape(shape))
        header = self._uploaded[: 4 * words].view(torch.int32)
        self.controls = Controls(
            header[:1].view(torch.float32), header[_STEP : _STEP + 1],
            header[2 * _STEP : 2 * _STEP + batch], header[second : second + batch],
        )  # fmt: skip
        self.packed = torch.zeros((batch, packed_length(self.capacity, dim)), device=device)
        num_found = torch.zeros(batch, dtype=torch.int32, device=device)
        self.outputs = Outputs(num_found, self.packed[:, 0], *split_packed(self.packed, dim))

    def fill(self, images: Sequence[Image], max_keypoints: int, threshold: float) -> None:
        """Put images, (H, W) or (H, W, C), and settings where the upload, or the device, looks."""
        self._threshold[0] = threshold
        self._limit[0] = min(max_keypoints, self.capacity)
        if self.is_on_device:
            for target, image in zip(self.pixels, images, strict=True):
                given = image if isinstance(image, Tensor) else torch.from_numpy(np.array(image))
                target.view(image.shape).copy_(given)
        else:
            for staged, image in zip(self._staged_pixels, images, strict=True):
                # Torch's tensors as numpy too: a copy is one call then, and in one thread.
                _copy_pixels(staged, np.asarray(image))

    def upload(self) -> None:
        """Copy to the device what `fill` has staged; part of a recorded frame."""
        self._uploaded[: len(self._staging)].copy_(self._staging, non_blocking=True)


def _copy_pixels(target: Pixels, image: Pixels) -> None:
    """Copy (H, W) or (H, W, C) to (H, W, C)."""
    image = image.reshape(target.shape) if image.ndim == 2 else image
    if image.strides[1:] == target.strides[1:]:
        np.copyto(target, image)
        return
    # Mirrored, or BGR seen as RGB: numpy copies pixel by pixel, four times slower than this.
    for channel in range(target.shape[2]):
        np.copyto(target[:, :, channel], image[:, :, channel])


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step
