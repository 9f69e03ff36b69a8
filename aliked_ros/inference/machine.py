"""What kind of machine this is: whether a GPU is here that torch does not use."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

# A driver for PCI cards, one for Jetsons, and what NVIDIA writes on a Jetson.
_SIGNS = ("/proc/driver/nvidia/version", "/dev/nvhost-gpu", "/etc/nv_tegra_release")


def why_no_gpu() -> str:
    """Return why torch does not use the NVIDIA GPU that is here; empty if nothing is amiss."""
    if torch.cuda.is_available() or not _has_nvidia_gpu():
        return ""
    cause = (
        f"it is built for CUDA {torch.version.cuda} and finds no device; look at `nvidia-smi`"
        if torch.version.cuda
        else "it is a build without CUDA; install one with it"
    )
    return (
        "this machine has an NVIDIA GPU, but the network runs on the CPU, many times slower: torch "
        f"{torch.__version__} cannot use the GPU: {cause} (device 'cpu' says that this is meant)"
    )


def _has_nvidia_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None or any(Path(sign).exists() for sign in _SIGNS)
