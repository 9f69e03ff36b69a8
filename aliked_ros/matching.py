"""Features of two images to pairs: mutual nearest neighbours, or a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aliked_ros.config import MatcherConfig
from aliked_ros.inference.kernels import kernel_nearest_neighbours, load_kernels
from aliked_ros.inference.precision import exact_float32
from aliked_ros.native import one_torch_thread
from aliked_ros.structs import Features, Matches

if TYPE_CHECKING:
    from aliked_ros.inference.on_cuda import Matcher
    from aliked_ros.network.lightglue import LightGlue

_SMALL_LENGTH = 64  # numbers of the descriptors of aliked-t16


def match(features0: Features, features1: Features, config: MatcherConfig | None = None) -> Matches:
    """Pair the keypoints of two images.

    Args:
        features0: N keypoints of image 0.
        features1: M keypoints of image 1, on the same device and from the same model.
        config: which matcher; defaults to `MatcherConfig()`, mutual nearest neighbours.

    Returns:
        One-to-one matches, sorted by the index in image 0; none if an image has no keypoints.

    Raises:
        ValueError: if the descriptors have different lengths, or for LightGlue not those that its
            weights take (the released ones 128 numbers), or numbers that are not finite; or if
            `precision` cannot be had.
        WeightsError: if LightGlue's weights are not found and cannot be downloaded.
    """
    config = config or MatcherConfig()
    if config.kind == "lightglue":
        return match_pairs([(features0, features1)], config)[0]
    indices, similarities = mutual_nearest_neighbours(
        features0.descriptors, features1.descriptors, config.min_similarity
    )
    return Matches(indices, similarities)


def match_pairs(
    pairs: Sequence[tuple[Features, Features]], config: MatcherConfig | None = None
) -> list[Matches]:
    """Do what `match` does for several pairs of images, with LightGlue all at once.

    Raises:
        ValueError, WeightsError: as `match` does.
    """
    config = config or MatcherConfig()
    if config.kind != "lightglue":
        return [match(features0, features1, config) for features0, features1 in pairs]
    if not any(len(features0) and len(features1) for features0, features1 in pairs):
        return [Matches(*_no_matches(features0.descriptors)) for features0, _ in pairs]
    for number, features in enumerate(chain.from_iterable(pairs)):
        _check_for_lightglue(config, features, f"image {number % 2}")
    device = pairs[0][0].descriptors.device
    network = _lightglue(config.weights, config.precision, device)
    with torch.no_grad(), exact_float32(device), one_torch_thread() as num_threads:
        if kernels := load_kernels():
            kernels.aliked_use_threads(num_threads)
        found = network(pairs, adaptive=config.adaptive)
    return [Matches(assignment.indices, assignment.scores) for assignment in found]


def load_matcher(config: MatcherConfig, device: torch.device) -> None:
    """Read now what a matcher would read at its first pair; it replaces what was read before.

    Args:
        config: which matcher.
        device: where the features will be.

    Raises:
        ValueError: if `precision` cannot be had.
        WeightsError: as `match` does.
    """
    forget_matchers()
    if config.kind == "lightglue":
        with_number = torch.empty(0, device=device).device
        _lightglue(config.weights, config.precision, with_number)
        _descriptor_length(config.weights)


def forget_matchers() -> None:
    """Give back the memory of what matchers have read."""
    _lightglue.cache_clear()
    _descriptor_length.cache_clear()


def check_descriptors(config: MatcherConfig, length: int, whose: str) -> None:
    """Raise ValueError if a matcher cannot take descriptors of a length; `whose` names them.

    Raises:
        WeightsError: if the matcher's own weights cannot be read.
    """
    if config.kind != "lightglue" or length == (taken := _descriptor_length(config.weights)):
        return
    named = f"LightGlue with the weights {config.weights}" if config.weights else "LightGlue"
    models = "aliked-t16" if taken == _SMALL_LENGTH else "aliked-n16"
    raise ValueError(
        f"descriptors of {whose} have {length} numbers, and {named} takes {taken}: set the "
        f"extractor's model to {models}, for which its weights were made, the matcher's weights to "
        "a file that was made for these, or the matcher's kind to 'nearest'"
    )


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
        return _no_matches(descriptors0)
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


def _no_matches(descriptors: Tensor) -> tuple[Tensor, Tensor]:
    """Return empty indices (0, 2) and similarities (0,) where the descriptors are."""
    indices = torch.empty((0, 2), dtype=torch.int64, device=descriptors.device)
    return indices, descriptors.new_empty(0)


def _check_for_lightglue(config: MatcherConfig, features: Features, whose: str) -> None:
    """Raise ValueError if LightGlue cannot take the descriptors of an image."""
    check_descriptors(config, features.descriptors.shape[1], whose)
    if not bool(features.descriptors.isfinite().all() & features.keypoints.isfinite().all()):
        raise ValueError(
            f"features of {whose} hold numbers that are not finite: leave those keypoints "
            "out; one of them spoils what LightGlue finds for all others"
        )


@cache
def _lightglue(weights: str, precision: str, device: torch.device) -> LightGlue:
    """Return the network; read once, when it is first asked for."""
    from aliked_ros.inference.bfloat16 import why_no_bfloat16
    from aliked_ros.network.lightglue_weights import load_lightglue

    if precision == "bfloat16" and (problem := why_no_bfloat16(device, "auto")):
        raise ValueError(f"the matcher's precision is 'bfloat16' on {str(device)!r}: {problem}")
    return load_lightglue(weights, device, precision)


@cache
def _descriptor_length(weights: str) -> int:
    """Return the numbers of the descriptors that LightGlue's weights take; read once."""
    from aliked_ros.network.lightglue_weights import descriptor_length

    return descriptor_length(weights)


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
