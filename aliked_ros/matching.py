"""Descriptors to mutual nearest neighbours."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aliked_ros.config import MatcherConfig
from aliked_ros.inference.kernels import kernel_nearest_neighbours, load_kernels
from aliked_ros.inference.precision import exact_float32
from aliked_ros.structs import Features, Matches

if TYPE_CHECKING:
    from aliked_ros.inference.on_cuda import Matcher


def match(features0: Features, features1: Features, config: MatcherConfig | None = None) -> Matches:
    """Pair the keypoints of two images by their descriptors.

    Args:
        features0: N keypoints of image 0.
        features1: M keypoints of image 1, on the same device and from the same model.
        config: the threshold; defaults to `MatcherConfig()`.

    Returns:
        One-to-one matches, sorted by the index in image 0; none if an image has no keypoints.
    """
    config = config or MatcherConfig()
    indices, similarities = mutual_nearest_neighbours(
        features0.descriptors, features1.descriptors, config.min_similarity
    )
    return Matches(indices, similarities)


def mutual_nearest_neighbours(
    descriptors0: Tensor, descriptors1: Tensor, min_similarity: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Pair the descriptors that are each other's nearest neighbour.

    Args:
        descriptors0: (N, D) float, unit rows, from image 0.
        descriptors1: (M, D) float, unit rows, from image 1, on the same device.
        min_similarity: cosine similarity in [-1, 1] below which a pair is dropped.

    Returns:
        matches: (K, 2) int64; row (i, j) pairs keypoint i of image 0 with j of image 1.
            Sorted by i. K is 0 if either image has no keypoints.
        similarities: (K,) float, cosine similarity of each pair.

    Raises:
        ValueError: if the descriptors have different lengths.
    """
    if descriptors0.shape[1] != descriptors1.shape[1]:
        raise ValueError(
            f"descriptors have {descriptors0.shape[1]} and {descriptors1.shape[1]} numbers: "
            "extract both images with the same model"
        )
    device = descriptors0.device
    if len(descriptors0) == 0 or len(descriptors1) == 0:
        empty = torch.empty((0, 2), dtype=torch.int64, device=device)
        return empty, descriptors0.new_empty(0)
    is_plain = descriptors0.dtype == descriptors1.dtype == torch.float32
    if device.type == "cuda" and is_plain:
        kernels = _gpu_kernels(device, descriptors0.shape[1])
        if kernels is not None:
            return kernels(descriptors0, descriptors1, min_similarity)
    return _match(descriptors0, descriptors1, min_similarity)


def _match(
    descriptors0: Tensor, descriptors1: Tensor, min_similarity: float
) -> tuple[Tensor, Tensor]:
    """Do what `mutual_nearest_neighbours` does, where there are descriptors."""
    device = descriptors0.device
    best, nearest1, nearest0 = _nearest_neighbours(descriptors0, descriptors1)
    # One-sided matches are mostly occlusions; asking for both sides removes them without
    # a threshold that would have to be tuned per scene.
    index0 = torch.arange(len(descriptors0), device=device)
    is_match = (nearest0[nearest1] == index0) & (best >= min_similarity)
    matches = torch.stack((index0, nearest1), dim=1)
    kept = is_match.nonzero().squeeze(1)  # the only point where a GPU has to be waited for
    return matches[kept], best[kept]


@cache
def _gpu_kernels(device: torch.device, dim: int) -> Matcher | None:
    """Return the kernels for descriptors of a length, if there are any and they are sound."""
    from aliked_ros.inference.on_cuda import matching_kernels

    return matching_kernels(device, dim, _match)


def _nearest_neighbours(
    descriptors0: Tensor, descriptors1: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the neighbours on both sides, the first of equals.

    Returns:
        best: (N,) similarity of each descriptor 0 to its nearest descriptor 1.
        nearest1: (N,) int64, number of that descriptor 1.
        nearest0: (M,) int, number of the descriptor 0 that is nearest to each descriptor 1.
    """
    is_plain = descriptors0.dtype == descriptors1.dtype == torch.float32
    if descriptors0.device.type == "cpu" and is_plain and (kernels := load_kernels()):
        return kernel_nearest_neighbours(kernels, descriptors0, descriptors1)
    with exact_float32(descriptors0.device):
        similarity = descriptors0 @ descriptors1.T  # (N, M)
    best, nearest1 = similarity.max(dim=1)
    return best, nearest1, _first_argmax_of_columns(similarity)


def _first_argmax_of_columns(similarity: Tensor) -> Tensor:
    """Return the row (M,) int32 of each column's maximum in (N, M), the first of equals."""
    # argmax(dim=0) walks the columns one by one on a CPU; these reductions run along the rows.
    num_rows = similarity.shape[0]
    row = torch.arange(num_rows, device=similarity.device, dtype=torch.int32).unsqueeze(1)
    is_maximum = similarity == similarity.amax(dim=0)
    return torch.where(is_maximum, row, num_rows).amin(dim=0)
