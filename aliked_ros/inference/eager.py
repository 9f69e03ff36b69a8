"""ALIKED by plain torch: every device, every size, the reference of the faster forms."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor

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
        self.network = network.to(device, dtype)
        self._dtype = dtype

    @torch.no_grad()
    def __call__(
        self, pixels: Tensor, max_keypoints: int, detection_threshold: float
    ) -> tuple[Detections, Tensor]:
        """Detect and describe the keypoints of images (B, H, W, 1 or 3) uint8."""
        image = pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255).expand(-1, 3, -1, -1)
        image = image.to(self._dtype, memory_format=torch.channels_last)
        with _exact_float32(self.device):
            detections, descriptors = self.network(image, max_keypoints, detection_threshold)
        return detections, descriptors


def _exact_float32(device: torch.device) -> AbstractContextManager[Any]:
    """Keep cuDNN from rounding float32 convolutions to 10 bits (TF32), which moves keypoints."""
    if device.type != "cuda":
        return nullcontext()
    flags = torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False)
    return cast(AbstractContextManager[Any], flags)
