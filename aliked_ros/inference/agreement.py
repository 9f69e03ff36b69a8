"""Whether two computations of a frame have found the same keypoints."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.delivery import split_packed

_NEAR_PX = 0.05
_LOWEST_COSINE = 0.99
_PART = 0.98  # of the keypoints


def agree(found: Tensor, expected: Tensor, dim: int) -> bool:
    """Tell whether two results have the same keypoints, but for those of nearly equal score.

    Args:
        found: (B, length) float32 in host memory, as `packed_length` describes it.
        expected: the same, of the other computation.
        dim: numbers of a descriptor.
    """
    counts = expected[:, 0]
    if not torch.equal(found[:, 0], counts):  # nor is NaN equal to anything
        return False
    sides = zip(*(split_packed(packed, dim) for packed in (found, expected)), strict=True)
    keypoints, _, _, descriptors = sides
    return all(
        _are_near(*(part[image, :count] for part in (*keypoints, *descriptors)))
        for image, count in enumerate(counts.int().tolist())
    )


def _are_near(keypoints: Tensor, expected: Tensor, descriptors: Tensor, theirs: Tensor) -> bool:
    if torch.equal(keypoints, expected) and torch.equal(descriptors, theirs):
        return True
    # By way of a matrix product the distance of a pixel from itself can be a third of a pixel.
    distances = torch.cdist(keypoints, expected, compute_mode="donot_use_mm_for_euclid_dist")
    nearest, index = distances.min(dim=1)
    cosines = (descriptors * theirs[index]).sum(dim=1)
    is_same = (nearest < _NEAR_PX) & (cosines > _LOWEST_COSINE)
    return bool(is_same.float().mean() > _PART)
