"""Chooses how each stage is done on a GPU: by a Triton kernel that proved itself, or by torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor

from aliked_ros.inference.cuda_graph import GraphedInference
from aliked_ros.inference.cuda_machine import machine_of
from aliked_ros.inference.frame import Frame
from aliked_ros.inference.stages import Stages, TorchStages, run_stages
from aliked_ros.network.aliked import ALIKED

# Descriptors 0 and 1, least similarity -> matches (K, 2), similarities (K,).
Matcher = Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]

_OLDEST = (8, 0)  # for older cards Triton makes no use of the matrix units


def open_on_cuda(network: ALIKED, device: torch.device, dtype: torch.dtype) -> GraphedInference:
    """Return a network on a CUDA device.

    Args:
        network: in evaluation mode.
        device: where it runs.
        dtype: arithmetic of the encoder.
    """
    machine = machine_of(torch.cuda.current_device() if device.index is None else device.index)
    with torch.cuda.device(machine.device):
        stages, left_out = _choose_stages(network, machine.device, dtype)
        # What was prepared in this stream is used in another one.
        torch.cuda.synchronize()
    has_kernels = not isinstance(stages, TorchStages)
    name = "Triton kernels in CUDA graphs" if has_kernels else "CUDA graphs"
    return GraphedInference(name, left_out, compute_by(stages), network.dim, machine)


def _choose_stages(
    network: ALIKED, device: torch.device, dtype: torch.dtype
) -> tuple[Stages, dict[str, str]]:
    """Return the stages in their fastest form, and those that have no kernel that works."""
    fused = network.fuse().to(device)
    own = deepcopy(fused).to(dtype)
    if not can_use_triton(device):
        return TorchStages(own, dtype), {}
    from aliked_ros.inference.cuda.choice import choose
    from aliked_ros.inference.cuda.weights import num_parts

    return choose(fused, dtype, TorchStages(own, dtype, num_parts(dtype)))


def matching_kernels(device: torch.device, dim: int, plain: Matcher) -> Matcher | None:
    """Return what finds mutual nearest neighbours by Triton kernels; None if plain torch is to.

    Args:
        device: a CUDA device.
        dim: numbers of a descriptor.
        plain: the same by plain torch, that the kernels are compared with once.
    """
    if not can_use_triton(device):
        return None
    from aliked_ros.inference.cuda.choice import are_sound
    from aliked_ros.inference.cuda.matching import match_descriptors
    from aliked_ros.inference.cuda.record import record_of

    record = record_of(None, ("matching", dim), device)
    return match_descriptors if are_sound(match_descriptors, plain, dim, record, device) else None


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
