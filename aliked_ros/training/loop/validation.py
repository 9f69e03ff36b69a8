"""A network under training -> the figures of the HPatches tables on images it never learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from aliked_ros.evaluation.homography.metrics import CORRECT_PX, score_pair, summarise, warp
from aliked_ros.evaluation.homography.pairs import PlanarPair
from aliked_ros.inference import NetworkInference, fastest
from aliked_ros.matching import mutual_nearest_neighbours
from aliked_ros.network.aliked import ALIKED
from aliked_ros.structs import Array, Floats, Pixels
from aliked_ros.training.loop.snapshots import Example

LONGER_SIDE_PX = 480
MAX_KEYPOINTS = 1000
DETECTION_THRESHOLD = 0.2  # that of the extractor


def validate(
    network: ALIKED, pairs: Sequence[PlanarPair], device: torch.device
) -> tuple[dict[str, float], Example]:
    """Return the mean figures of `evaluation.homography.metrics.summarise`, and the first pair.

    Args:
        network: in evaluation mode; stays as it is.
        pairs: at least one.
        device: where it runs.
    """
    inference = fastest(network, device, torch.float32)
    scores = []
    example: Example | None = None
    for pair in pairs:
        image0, image1, H_1_0 = pair.load(LONGER_SIDE_PX)
        keypoints0, descriptors0 = _extract(inference, image0, device)
        keypoints1, descriptors1 = _extract(inference, image1, device)
        matches = mutual_nearest_neighbours(descriptors0, descriptors1)[0].cpu().numpy()
        sizes = (_size(image0), _size(image1))
        scores.append(score_pair((keypoints0, keypoints1), matches, H_1_0, sizes))
        if example is None:
            errors = warp(H_1_0, keypoints0[matches[:, 0]]) - keypoints1[matches[:, 1]]
            is_correct = np.linalg.norm(errors, axis=1) <= CORRECT_PX
            score_map = _score_map(network, image0, device)
            example = Example(
                (image0, image1), score_map, (keypoints0, keypoints1), matches, is_correct
            )
    assert example is not None
    return summarise(scores), example


def _extract(
    inference: NetworkInference, image: Pixels, device: torch.device
) -> tuple[Array, Tensor]:
    pixels = torch.from_numpy(image).to(device).unsqueeze(0)
    detections, descriptors = inference(pixels, MAX_KEYPOINTS, DETECTION_THRESHOLD)
    is_valid = detections.is_valid[0]
    keypoints = detections.keypoints[0][is_valid].double().cpu().numpy()
    return keypoints, descriptors[0][is_valid].clone()


@torch.no_grad()
def _score_map(network: ALIKED, image: Pixels, device: torch.device) -> Floats:
    pixels = torch.from_numpy(image).to(device).permute(2, 0, 1).unsqueeze(0) / 255
    return network.encode(pixels)[1][0].cpu().numpy()


def _size(image: Pixels) -> tuple[int, int]:
    return image.shape[0], image.shape[1]
