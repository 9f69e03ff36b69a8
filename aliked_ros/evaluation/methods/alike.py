"""ALIKE's networks as methods of a comparison."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from aliked_ros.evaluation.methods.alike_network import ALIKE, sample_descriptors, select_peaks
from aliked_ros.evaluation.methods.method import Budget, Method, MethodError, MethodName
from aliked_ros.extractor import pick_device
from aliked_ros.network.dkd import refine, sample_score
from aliked_ros.network.released import cache_folder, sha256_of
from aliked_ros.structs import Features, Pixels

_HOME = "https://github.com/Shiaoming/ALIKE/tree/main/models"


def open_by_name(name: MethodName, budget: Budget) -> Method:
    """Return "MODEL" with the authors' weights, or "MODEL:FILE" with others.

    Raises:
        MethodError: if there is no such file.
    """
    path = _find_weights(name)
    extractor = ALIKEExtractor(
        name.model,
        path,
        budget.max_keypoints,
        budget.detection_threshold,
        pick_device(budget.device),
    )
    return Method(name.label, name.model, name.identity(sha256_of(path)[:8], budget), extractor)


def _find_weights(name: MethodName) -> Path:
    model, cache = name.model, cache_folder()
    folder = Path(os.environ.get("ALIKED_WEIGHTS") or cache)
    places = [Path(name.argument)] if name.argument else [
        folder / "alike" / f"{model}.pth", folder / f"{model}.pth", cache / f"{model}.pth"
    ]  # fmt: skip
    for place in places:
        if place.expanduser().is_file():
            return place.expanduser()
    raise MethodError(
        f"no weights for {model}: looked for {', '.join(map(str, places))}. Take {model}.pth from "
        f"{_HOME} and put it there, or give it as {model}:FILE"
    )


class ALIKEExtractor:
    """Finds and describes the keypoints of images with ALIKE.

    Args:
        model: a key of VARIANTS.
        weights: the authors' checkpoint.
        max_keypoints: keep at most this many, highest peaks first.
        detection_threshold: score-map value that a peak must exceed.
    """

    def __init__(
        self,
        model: str,
        weights: Path,
        max_keypoints: int = 1000,
        detection_threshold: float = 0.2,
        device: torch.device | str = "cpu",
    ) -> None:
        network = ALIKE(model)
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(False).to(self.device)
        self.max_keypoints = max_keypoints
        self.detection_threshold = detection_threshold

    @torch.no_grad()
    def __call__(self, image: Pixels) -> Features:
        """Return the features of an (H, W) grey or (H, W, 3) RGB image."""
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self.device).float() / 255
        pixels = pixels.unsqueeze(-1).expand(-1, -1, 3) if pixels.ndim == 2 else pixels
        descriptor_map, score_map = self.network(pixels.permute(2, 0, 1).unsqueeze(0))
        index = select_peaks(score_map, self.max_keypoints, self.detection_threshold)
        keypoints, dispersity = refine(score_map, index)
        scores = sample_score(score_map, keypoints)[0]
        order = scores.argsort(descending=True, stable=True)
        keypoints = keypoints[0, order]
        return Features(
            keypoints,
            scores[order],
            dispersity[0, order],
            sample_descriptors(descriptor_map, keypoints),
            (image.shape[0], image.shape[1]),
        )
