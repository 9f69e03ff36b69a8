"""Images through a network without recordings: on a CPU, and on a GPU operation by operation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aliked_ros.inference.delivery import deliver
from aliked_ros.inference.protocols import NetworkInference
from aliked_ros.inference.stages import has_texture
from aliked_ros.native import one_torch_thread
from aliked_ros.structs import Features, Image


class DirectInference:
    """Uploads images, runs a network, brings the results down.

    Args:
        network: what takes pixels to detections and descriptors.
        device: where it runs.

    Attributes:
        name: how the network is run.
        left_out: nothing is.
    """

    def __init__(self, network: NetworkInference, device: torch.device) -> None:
        self.name = network.name
        self.left_out: dict[str, str] = {}
        self._network = network
        self._device = device

    @torch.no_grad()
    def __call__(
        self, images: Sequence[Image], max_keypoints: int, detection_threshold: float
    ) -> list[Features]:
        """Return the features of images of one shape; see `Inference`."""
        pixels = self._upload(images)  # (B, H, W, 1 or 3) uint8
        _, height, width, _ = pixels.shape
        detections, descriptors = self._network(pixels, max_keypoints, detection_threshold)
        with one_torch_thread():
            counts = detections.is_valid.sum(dim=1) * has_texture(pixels)
        return deliver(detections, descriptors, counts, (height, width))

    def _upload(self, images: Sequence[Image]) -> Tensor:
        """Return images of one shape as (B, H, W, 1 or 3) uint8 on the device."""
        shape = images[0].shape if images[0].ndim == 3 else (*images[0].shape, 1)
        if any(isinstance(image, Tensor) and image.device.type != "cpu" for image in images):
            return torch.stack(
                [torch.as_tensor(image, device=self._device).view(shape) for image in images]
            )
        # Page-locked memory lets the copy to a GPU run beside the host.
        is_pinned = self._device.type == "cuda"
        pixels = torch.empty((len(images), *shape), dtype=torch.uint8, pin_memory=is_pinned)
        for target, image in zip(pixels, images, strict=True):
            if isinstance(image, Tensor):
                target.copy_(image.view(shape) if image.is_contiguous() else image.reshape(shape))
            else:
                target.numpy()[...] = image.reshape(shape)
        return pixels.to(self._device, non_blocking=True)
