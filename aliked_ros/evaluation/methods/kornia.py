"""kornia's DISK and XFeat with checkpoints that the user has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from aliked_ros.evaluation.methods.method import Budget, Extract, Method, MethodError, MethodName
from aliked_ros.extractor import pick_device
from aliked_ros.extras import require
from aliked_ros.network.released import sha256_of
from aliked_ros.structs import Features, Pixels


def open_by_name(name: MethodName, budget: Budget) -> Method:
    """Return "disk:FILE" or "xfeat:FILE".

    Raises:
        MethodError: if there is no such file.
        MissingPackageError: without kornia.
    """
    model, weights = name.model, Path(name.argument)
    if not weights.is_file():
        raise MethodError(
            f"method is {name.text!r}: give the checkpoint that kornia's {model} loads, as "
            f"{model}:FILE"
        )
    require("kornia", extra="peers", feature=f"method {model}")
    device = pick_device(budget.device)
    state: dict[str, Any] = torch.load(weights, map_location="cpu", weights_only=True)
    extract = (_open_disk if model == "disk" else _open_xfeat)(state, budget.max_keypoints, device)
    version = f"{sha256_of(weights)[:8]}-{device.type}"
    return Method(name.label, model, name.identity(version, budget), extract)


def _open_disk(state: dict[str, Any], max_keypoints: int, device: torch.device) -> Extract:
    from kornia.feature import DISK

    network = DISK()
    network.load_state_dict(state.get("extractor", state))
    network = network.eval().to(device)

    @torch.inference_mode()
    def extract(image: Pixels) -> Features:
        found = network(_to_batch(image, device), n=max_keypoints, pad_if_not_divisible=True)[0]
        return _features(found.keypoints, found.detection_scores, found.descriptors, image)

    return extract


def _open_xfeat(state: dict[str, Any], max_keypoints: int, device: torch.device) -> Extract:
    from kornia.feature import XFeat

    network = XFeat(top_k=max_keypoints)
    target = network if any(name.startswith("net.") for name in state) else network.net
    target.load_state_dict(state)
    network = network.eval().to(device)

    @torch.inference_mode()
    def extract(image: Pixels) -> Features:
        found = network.detectAndCompute(_to_batch(image, device))[0]
        return _features(found["keypoints"], found["scores"], found["descriptors"], image)

    return extract


def _to_batch(image: Pixels, device: torch.device) -> torch.Tensor:
    """Return an image (H, W, 3) as (1, 3, H, W) float in [0, 1]."""
    return torch.from_numpy(image).to(device).permute(2, 0, 1).unsqueeze(0).float() / 255


def _features(
    keypoints: torch.Tensor,
    scores: torch.Tensor,
    descriptors: torch.Tensor,
    image: Pixels,
) -> Features:
    order = scores.argsort(descending=True)
    return Features(
        keypoints[order].float(),
        scores[order].float(),
        torch.zeros(len(order), device=scores.device),
        torch.nn.functional.normalize(descriptors[order].float(), dim=1),
        (image.shape[0], image.shape[1]),
    )
