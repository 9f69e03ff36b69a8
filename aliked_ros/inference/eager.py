"""ALIKED by plain torch: every device, every size, the reference of the faster forms."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.precision import exact_float32
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.dkd import Detections


class EagerALIKED:
    """A fused network, operation by operation.

    Args:
        network: the result of `ALIKED.fuse()`.
        device: where it runs.
        dtype: arithmetic of the convolutions.
    """

    name = "torch"

    def __init__(self, network: ALIKED, device: torch.device, dtype: torch.dtype) -> None:
        self.device = device
        # Measured on an H100: float32 convolutions are faster with the channels first.
        is_faster_first = device.type == "cuda" and dtype == torch.float32
        self._layout = torch.contiguous_format if is_faster_first else torch.channels_last
        self.network = network.to(device, dtype).to(memory_format=self._layout)  # type: ignore[call-overload]
        self._dtype = dtype

    @torch.no_grad()
    def __call__(
        self, pixels: Tensor, max_keypoints: int, detection_threshold: float
    ) -> tuple[Detections, Tensor]:
        """Detect and describe the keypoints of images (B, H, W, 1 or 3) uint8."""
        image = pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255).expand(-1, 3, -1, -1)
        image = image.to(self._dtype, memory_format=self._layout)
        with exact_float32(self.device):
            detections, descriptors = self.network(image, max_keypoints, detection_threshold)
        return detections, descriptors
