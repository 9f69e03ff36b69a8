"""The network that a training begins with."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import DeformableConv2d
from aliked_ros.network.weights import load_checkpoint
from aliked_ros.training.recipe import TrainingConfig

_GRID_STEP_PX = 4.0  # grid of the sample positions where they are not learned


def make_network(config: TrainingConfig) -> ALIKED:
    """Return the network with the parameters that the training begins with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = ALIKED(config.model, config.num_samples or None)
    if config.initial_weights:
        load_checkpoint(network, Path(config.initial_weights).expanduser())
    else:
        _begin_near_the_grid(network)
    if not config.is_deformable:
        fix_offsets(network)
    return network


def _begin_near_the_grid(network: ALIKED) -> None:
    """Let the convolutions begin as ordinary ones; the descriptors' samples begin on a grid."""
    for module in network.modules():
        if isinstance(module, DeformableConv2d):
            torch.nn.init.zeros_(module.offset_conv.weight)
            assert module.offset_conv.bias is not None
            torch.nn.init.zeros_(module.offset_conv.bias)
    last = network.desc_head.offset_conv[2]
    with torch.no_grad():
        last.weight.mul_(0.1)  # type: ignore[operator]
        last.bias.copy_(sample_grid(network.desc_head.num_samples))  # type: ignore[operator]


def fix_offsets(network: ALIKED) -> None:
    """Make the network rigid: regular convolutions, samples on a fixed grid."""
    heads = [
        module.offset_conv for module in network.modules() if isinstance(module, DeformableConv2d)
    ]
    last = network.desc_head.offset_conv[2]
    for head in (*heads, last):
        torch.nn.init.zeros_(head.weight)  # type: ignore[arg-type]
        torch.nn.init.zeros_(head.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        last.bias.copy_(sample_grid(network.desc_head.num_samples))  # type: ignore[operator]
    for head in (*heads, network.desc_head.offset_conv):
        head.requires_grad_(False)


def sample_grid(num_samples: int) -> Tensor:
    """Return (2 M,) px: x, then y, of positions spread evenly around a keypoint.

    A sunflower's spiral: any number of positions, each with the same share of the area; 16 reach
    about as far as a 4x4 grid with a step of 4 px.
    """
    number = torch.arange(num_samples) + 0.5
    radius = _GRID_STEP_PX * torch.sqrt(number / torch.pi)
    angle = number * torch.pi * (3 - 5**0.5)
    return torch.cat((radius * torch.cos(angle), radius * torch.sin(angle)))
