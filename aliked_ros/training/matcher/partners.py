"""Which keypoint of the other image is whose partner, by the known warp."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.training.losses.terms import (
    mutual_candidates,
    point_distances,
    reprojection_errors,
)
from aliked_ros.training.pairs.warps import Warp, Warped

NONE, UNKNOWN = -1, -2  # in place of a partner


def partners(
    keypoints0: Tensor,
    keypoints1: Tensor,
    warps: tuple[Warp, Warp],
    max_error_px: float,
    min_error_px: float,
) -> tuple[Tensor, Tensor]:
    """Return the partner of every keypoint, NONE or UNKNOWN.

    Partners are each other's nearest and closer than a limit, in the mean of both images. Of a
    point that is hidden or outside in the other image, or farther from all keypoints there, it is
    known that it has none. Nothing is said about those between the limits, and about those whose
    depth is missing.

    Args:
        keypoints0: (N, 2) px of image 0.
        keypoints1: (M, 2) px of image 1.
        warps: from image 0 to 1, and from image 1 to 0.
        max_error_px: partners are closer.
        min_error_px: points without partner are farther from all others; not below max_error_px.

    Returns:
        (N,) int64, a keypoint of image 1 or a negative number; (M,) int64, of image 0.
    """
    warped0, warped1 = warps[0](keypoints0), warps[1](keypoints1)
    errors = reprojection_errors(keypoints0, keypoints1, warped0, warped1)
    is_positive, partner = mutual_candidates(errors, max_error_px)
    partner0 = _without(keypoints1, warped0, min_error_px)
    partner1 = _without(keypoints0, warped1, min_error_px)
    rows = is_positive.nonzero().squeeze(1)
    partner0[rows] = partner[rows]
    partner1[partner[rows]] = rows
    return partner0, partner1


def _without(others: Tensor, warped: Warped, min_error_px: float) -> Tensor:
    """Return (N,) int64: NONE for points that surely have no partner, else UNKNOWN."""
    is_alone = ~warped.is_visible
    if len(others):
        distances = point_distances(warped.points, others)
        is_alone = is_alone | (distances.amin(dim=1) > min_error_px)
    else:
        is_alone = torch.ones_like(is_alone)
    return torch.where(is_alone & warped.is_known, NONE, UNKNOWN)
