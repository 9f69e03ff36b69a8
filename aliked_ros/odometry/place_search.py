"""Points with an expected place -> keypoints near it, by descriptor: mutual, and alike enough."""

from __future__ import annotations

import numpy as np
import torch

from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index

# What is found by its place must be as alike as all but this share of pairs that are trusted: a
# threshold that fits any feature.
_LEAST_SHARE = 0.1
_NEVER = -2.0  # less than any cosine


def find_near(
    sought: torch.Tensor, places_px: Array, view: View, radius_px: float
) -> tuple[Index, Array]:
    """Pair points and keypoints that are each other's most similar one within a radius.

    Args:
        sought: (M, D) descriptors of the points, on the device of the view's features.
        places_px: (M, 2) where the rectified image should show them.
        view: whose keypoints are searched.
        radius_px: how far from its place a point may be.

    Returns:
        pairs: (P, 2) int64, one-to-one, sorted by the point: point, keypoint.
        similarities: (P,) cosine similarity of each.
    """
    own = view.features.descriptors
    pixels = torch.from_numpy(np.nan_to_num(view.pixels, nan=-1e6)).to(own.device)
    away = torch.cdist(torch.from_numpy(places_px).to(own.device), pixels)
    similarity = (sought @ own.T).masked_fill_(away > radius_px, _NEVER)
    best, keypoint = similarity.max(dim=1)
    is_mutual = similarity.argmax(dim=0)[keypoint] == torch.arange(len(best), device=own.device)
    partner = torch.where(is_mutual & (best > _NEVER), keypoint, -1)
    both = torch.stack([partner.double(), best.double()]).cpu().numpy()  # one wait for a GPU
    rows = np.flatnonzero(both[0] >= 0)
    return np.column_stack([rows, both[0, rows].astype(np.int64)]), both[1, rows]


def least_similarity(view0: View, view1: View, trusted: Index) -> float:
    """Return how alike a pair must be, from pairs (K, 2), at least one, that are trusted."""
    rows, columns = torch.from_numpy(np.ascontiguousarray(trusted.T))
    # Few rows, and the host has them already: no second wait for a GPU.
    descriptors0 = view0.features.to("cpu").descriptors
    descriptors1 = view1.features.to("cpu").descriptors
    alike = (descriptors0[rows] * descriptors1[columns]).sum(dim=1)
    return float(np.quantile(alike.numpy().astype(np.float64), _LEAST_SHARE))
