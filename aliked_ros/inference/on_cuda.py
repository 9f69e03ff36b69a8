"""Chooses how each stage is done on a GPU: by a Triton kernel that proved itself, or by torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from copy import deepcopy

import torch

from aliked_ros.inference.cuda_graph import GraphedInference
from aliked_ros.inference.cuda_machine import CudaMachine
from aliked_ros.inference.frame import Frame
from aliked_ros.inference.stages import STAGES, Stages, TorchStages, run_stages
from aliked_ros.network.aliked import ALIKED

_OLDEST = (8, 0)  # for older cards Triton makes no use of the matrix units


def open_on_cuda(network: ALIKED, device: torch.device, dtype: torch.dtype) -> GraphedInference:
    """Return a network on a CUDA device.

    Args:
        network: in evaluation mode.
        device: where it runs.
        dtype: arithmetic of the encoder.
    """
    machine = CudaMachine(device)
    fused = network.fuse().to(machine.device)
    plain = TorchStages(deepcopy(fused).to(dtype), dtype)
    if can_use_triton(machine.device):
        from aliked_ros.inference.cuda.choice import choose

        stages, left_out = choose(fused, dtype, plain)
        num_kernels = len(STAGES) - len(left_out)
        name = "Triton kernels in CUDA graphs" if num_kernels else "CUDA graphs"
    else:
        stages, left_out, name = plain, {}, "CUDA graphs"
    torch.cuda.synchronize(machine.device)  # what was prepared in this stream is used in another
    return GraphedInference(name, left_out, compute_by(stages), network.dim, machine)


def can_use_triton(device: torch.device) -> bool:
    """Return whether triton is installed and makes good code for a CUDA device."""
    if importlib.util.find_spec("triton") is None:
        return False
    return torch.cuda.get_device_capability(device) >= _OLDEST


def compute_by(stages: Stages) -> Callable[[Frame], None]:
    """Return what takes a frame from its uploaded form to its results."""

    @torch.no_grad()
    def compute(frame: Frame) -> None:
        run_stages(stages, frame.pixels, frame.geometry, frame.controls, frame.outputs)

    return compute
