"""Launches the kernels that find mutual nearest neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.cuda.kernels.nearest import compare_tiles, keep_mutual
from aliked_ros.inference.cuda.launching import launch
from aliked_ros.inference.cuda.tuning import Tuning, blocks, choices


def match_descriptors(
    descriptors0: Tensor,
    descriptors1: Tensor,
    min_similarity: float,
    overrides: Tuning | None = None,
) -> tuple[Tensor, Tensor]:
    """Do what `mutual_nearest_neighbours` does, without a matrix of similarities.

    Args:
        descriptors0: (N, D) float32 on a GPU, unit rows, N > 0.
        descriptors1: (M, D) float32, likewise.
        min_similarity: pairs below are dropped.
        overrides: other cuts than the usual ones, by launch.

    Returns:
        matches: (K, 2) int64, sorted by the first column.
        similarities: (K,) float32.
    """
    # Kernels start on the current device.
    with torch.cuda.device_of(descriptors0):  # type: ignore[no-untyped-call]
        return _match(descriptors0, descriptors1, min_similarity, choices(overrides))


def _match(
    descriptors0: Tensor, descriptors1: Tensor, min_similarity: float, tuning: Tuning
) -> tuple[Tensor, Tensor]:
    num0, num1, dim = len(descriptors0), len(descriptors1), descriptors0.shape[1]
    choice, device = tuning["compare"], descriptors0.device
    blocks0, blocks1 = blocks(num0, choice["block"]), blocks(num1, choice["block"])
    # One allocation for all: best and nearest of both sides, the similarities, the count. Each
    # begins at a multiple of 16 bytes, or the kernels would have to be compiled once more.
    sizes = [num0 * blocks1] * 2 + [num1 * blocks0] * 2 + [num0, 1]
    sizes = [blocks(size, 4) * 4 for size in sizes]
    memory = torch.empty(sum(sizes), device=device)
    best0, nearest1, best1, nearest0, similarities, count = torch.split(memory, sizes)
    matches = torch.empty((num0, 2), dtype=torch.int64, device=device)
    found = (best0, nearest1.view(torch.int32), best1, nearest0.view(torch.int32))
    launch(
        "compare", compare_tiles, (blocks0, blocks1), choice,
        _aligned(descriptors0), _aligned(descriptors1), *found, num0, num1, blocks0, blocks1,
        dim=dim, padded=blocks(dim, choice["depth"]) * choice["depth"],
    )  # fmt: skip
    launch(
        "mutual", keep_mutual, (1,), tuning["mutual"], *found, matches, similarities,
        count.view(torch.int32), num0, blocks0, blocks1, float(min_similarity),
    )  # fmt: skip
    num = int(count.view(torch.int32)[0])  # the only point where the GPU has to be waited for
    return matches[:num], similarities[:num].clone()


def _aligned(descriptors: Tensor) -> Tensor:
    """Return contiguous rows that begin at a multiple of 16 bytes."""
    rows = descriptors.detach().contiguous()
    return rows if rows.data_ptr() % 16 == 0 else rows.clone()
