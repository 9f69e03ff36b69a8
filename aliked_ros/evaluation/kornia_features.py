"""DISK and XFeat of kornia with checkpoints that the user has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from aliked_ros.evaluation.feature_cache import Extract
from aliked_ros.structs import Features, Pixels


def open_network(model: str, weights: Path, max_keypoints: int, device: torch.device) -> Extract:
    """Return the extraction of "disk" or "xfeat" with a checkpoint."""
    state: dict[str, Any] = torch.load(weights, map_location="cpu", weights_only=True)
    return (_open_disk if model == "disk" else _open_xfeat)(state, max_keypoints, device)


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
