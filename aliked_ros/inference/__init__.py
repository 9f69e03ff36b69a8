"""A trained network in the fastest form that the device allows; `fastest` is the only door."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.dkd import Detections


class Inference(Protocol):
    """Images in, keypoints with descriptors out, without gradients.

    Attributes:
        name: how the network is run, for the log.
    """

    name: str

    def __call__(
        self, pixels: Tensor, max_keypoints: int, detection_threshold: float
    ) -> tuple[Detections, Tensor]:
        """Detect and describe the keypoints of images of one size.

        Args:
            pixels: (B, H, W, 1 or 3) uint8, grey or RGB, on the network's device.
            max_keypoints: keep at most this many per image, highest peaks first.
            detection_threshold: score-map value that a peak must exceed.

        Returns:
            What `ALIKED.forward` returns; valid until the next call.
        """


def fastest(
    network: ALIKED, device: torch.device, dtype: torch.dtype, backend: str = "auto"
) -> Inference:
    """Return a network made ready for a device.

    Args:
        network: in evaluation mode.
        device: where the images are.
        dtype: arithmetic of the convolutions.
        backend: "torch" for the plain network, the reference of all others; "auto" for compiled
            kernels on a CPU, if they are built, and CUDA graphs on a GPU.
    """
    from aliked_ros.inference.eager import EagerALIKED

    fused = network.fuse()
    if backend == "auto" and device.type == "cpu":
        from aliked_ros.inference.compiled import CompiledALIKED
        from aliked_ros.inference.kernels import load_kernels

        if kernels := load_kernels():
            return CompiledALIKED(fused, kernels)
    eager = EagerALIKED(fused, device, dtype)
    if backend == "auto" and device.type == "cuda":
        from aliked_ros.inference.cuda_graph import GraphedALIKED

        return GraphedALIKED(eager)
    return eager
