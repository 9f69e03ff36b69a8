"""A trained network in the fastest form that the device allows; `open_inference` is the door."""

from __future__ import annotations

import torch

from aliked_ros.inference.protocols import Inference, NetworkInference
from aliked_ros.network.aliked import ALIKED

__all__ = ["Inference", "NetworkInference", "fastest", "open_inference"]


def open_inference(
    network: ALIKED, device: torch.device, dtype: torch.dtype, backend: str = "auto"
) -> Inference:
    """Return a network made ready for images.

    Args:
        network: in evaluation mode.
        device: where it runs, and where the features will be.
        dtype: arithmetic of the convolutions; bfloat16 where `why_no_bfloat16` has no objection.
        backend: "torch" for the plain network, the reference of all others; "auto" for compiled
            kernels on a CPU, if they are built, and on a GPU CUDA graphs, of Triton kernels where
            triton is installed.
    """
    from aliked_ros.inference.direct import DirectInference

    if backend == "auto" and device.type == "cuda":
        from aliked_ros.inference.on_cuda import open_on_cuda

        return open_on_cuda(network, device, dtype)
    return DirectInference(fastest(network, device, dtype, backend), device)


def fastest(
    network: ALIKED, device: torch.device, dtype: torch.dtype, backend: str = "auto"
) -> NetworkInference:
    """Return a network made ready for pixels, without recordings; arguments as above."""
    from aliked_ros.inference.eager import EagerALIKED

    fused = network.fuse()
    if backend == "auto" and device.type == "cpu":
        from aliked_ros.inference.compiled import CompiledALIKED
        from aliked_ros.inference.kernels import load_kernels

        if kernels := load_kernels():
            if dtype == torch.bfloat16:
                from aliked_ros.inference.bfloat16 import Bfloat16ALIKED

                return Bfloat16ALIKED(fused, kernels)
            return CompiledALIKED(fused, kernels)
    return EagerALIKED(fused, device, dtype)
