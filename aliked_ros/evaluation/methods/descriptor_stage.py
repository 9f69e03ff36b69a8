"""The descriptor stage alone: ALIKE's dense head beside ALIKED's sparse one, on the same image.

Both begin with the four levels of the encoder, at 1/1, 1/2, 1/8 and 1/32, and end with unit
descriptors of N keypoints. Dense: upsample, concatenate, one 1x1 convolution at every pixel,
normalise, sample at the keypoints. Sparse (SDDH): compute features where they are needed only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aliked_ros.config import MODELS
from aliked_ros.evaluation.methods import timing
from aliked_ros.evaluation.methods.alike_network import ALIKE, VARIANTS, sample_descriptors
from aliked_ros.evaluation.methods.complexity import dense_head, sparse_head
from aliked_ros.inference import fastest
from aliked_ros.network.released import WeightsError
from aliked_ros.network.weights import load_network
from aliked_ros.structs import Pixels

# Networks of the same width: what differs is the head.
RIVALS = {"aliked-t16": "alike-t", "aliked-n16": "alike-n"}


def time_stages(
    image: Pixels,
    counts: list[int],
    device: torch.device,
    repeats: int,
    clock: Callable[[], float],
) -> dict[str, list[float]]:
    """Return stage -> seconds for each number of keypoints, the best of the repeats.

    Args:
        image: (H, W, 3) RGB of any size; it is resized to that of the comparison.
        counts: numbers of keypoints.
        device: where everything runs.
        repeats: turns of each stage.
        clock: returns seconds.
    """
    height, width = timing.IMAGE_SIZE
    places = torch.rand(max(counts), 2, generator=torch.Generator().manual_seed(0))
    keypoints = 2 + places * torch.tensor([width - 5.0, height - 5.0])  # off the border
    fitted = torch.from_numpy(timing.fit(image, timing.IMAGE_SIZE))
    stages = descriptor_stages(fitted, keypoints, device)
    times_s: dict[str, list[float]] = {name: [] for name in stages}
    for count in counts:
        runs = {name: partial(stage, count) for name, stage in stages.items()}
        for name, seconds in timing.time_in_turns(runs, repeats, clock).items():
            times_s[name].append(seconds)
    return times_s


def descriptor_stages(
    image: Tensor, keypoints: Tensor, device: torch.device
) -> dict[str, Callable[[int], object]]:
    """Return name -> the stage as a function of the number of keypoints.

    Args:
        image: (H, W, 3) uint8; both sides must be multiples of 32: nothing is padded.
        keypoints: (N, 2) px.
        device: where everything runs.
    """
    stages: dict[str, Callable[[int], object]] = {}
    points = keypoints.to(device)
    batch = (image.to(device).permute(2, 0, 1).unsqueeze(0).float() / 255).contiguous()
    for aliked, alike in RIVALS.items():
        stages[f"dense head, {alike}"] = _dense(alike, batch, points)
        stages[f"SDDH, {aliked}"] = _sparse(aliked, batch, points)
        if device.type == "cpu" and (compiled := _compiled(aliked, image, points)):
            stages[f"SDDH, {aliked}, compiled"] = compiled
    return stages


def stage_gmacs(name: str, image_size: tuple[int, int], num_keypoints: int) -> float:
    """Return the giga multiply-adds of a stage of `descriptor_stages`: its matrix products."""
    model = next(model for model in (*MODELS, *VARIANTS) if model in name.split(", "))
    if model in VARIANTS:
        *_, dim, num_layers = VARIANTS[model]
        return 1e-9 * image_size[0] * image_size[1] * dense_head(dim, num_layers)
    return 1e-9 * num_keypoints * sparse_head(64 if model == "aliked-t16" else 128, 16)


def _dense(model: str, batch: Tensor, points: Tensor) -> Callable[[int], object]:
    # What the parameters are does not change how long they take.
    network = ALIKE(model).eval().requires_grad_(False).to(batch.device)
    levels = network.encode(batch)

    def run(num_keypoints: int) -> object:
        descriptor_map, _ = network.head(levels)
        return sample_descriptors(descriptor_map, points[:num_keypoints]).cpu()

    return run


def _sparse(model: str, batch: Tensor, points: Tensor) -> Callable[[int], object]:
    network = load_released(model).fuse().to(batch.device)
    pyramid, _ = network.encode(batch.to(memory_format=torch.channels_last))

    @torch.no_grad()
    def run(num_keypoints: int) -> object:
        return network.desc_head(pyramid, points[:num_keypoints].unsqueeze(0)).cpu()

    return run


def _compiled(model: str, image: Tensor, points: Tensor) -> Callable[[int], object] | None:
    """Return the stage as the package runs it on this CPU, if that is by compiled kernels."""
    inference: Any = fastest(load_released(model), torch.device("cpu"), torch.float32)
    if not hasattr(inference, "describe"):
        return None
    _, pyramid = inference.encode(image.unsqueeze(0))
    return lambda num_keypoints: inference.describe(pyramid, points[:num_keypoints])


def load_released(model: str) -> Any:
    """Return the released network; without it, an untrained one, whose samples lie closer."""
    try:
        return load_network(model)[0]
    except WeightsError:
        return load_network(model, "seed:0")[0]
