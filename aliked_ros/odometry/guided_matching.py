"""Matches near where a predicted motion expects them."""

from __future__ import annotations

import numpy as np
import torch

from aliked_ros.geometry.camera import project
from aliked_ros.geometry.vectors import homogeneous
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index

_MIN_SHARE = 0.5  # of the pairs must lie where they are expected, or the prediction is not used
# Index that are found only there must be as alike as all but this share of the given ones there.
_LEAST_SHARE = 0.1
_NEVER = -2.0  # less than any cosine


def guided_pairs(
    view0: View, view1: View, pairs: Index, T_1_0: Array, K: Array, radius_px: float
) -> Index | None:
    """Pair each keypoint with the most similar one among those near its expected place.

    The search is mutual, too. A keypoint that resembles many in the image, but one within the
    radius, finds its partner; a partner elsewhere is out of the question.

    Args:
        view0: reference; only keypoints of known depth can be expected somewhere.
        view1: current.
        pairs: (P, 2) int64, mutual nearest neighbours of all keypoints.
        T_1_0: (4, 4) predicted motion.
        K: (3, 3) intrinsics of the rectified camera, px.
        radius_px: how wrong the prediction may be.

    Returns:
        (Q, 2) int64, one-to-one, sorted by the keypoint of view 0: those found near their expected
        place, and of the given pairs those whose keypoints know no depth and are free. None if
        the prediction is wrong: fewer than half of the given pairs lie where it expects them.
    """
    expected = _expected_pixels(view0, T_1_0, K)
    is_known = np.isfinite(expected).all(axis=1)
    given = pairs[is_known[pairs[:, 0]]]
    off_px = np.linalg.norm(view1.pixels[given[:, 1]] - expected[given[:, 0]], axis=1)
    trusted = given[off_px < radius_px]
    if len(trusted) == 0 or len(trusted) < _MIN_SHARE * len(given):
        return None
    index0 = np.flatnonzero(is_known)
    nearest = _nearest_within(view0, view1, index0, expected[index0], radius_px)
    is_new = ~np.isin(nearest[:, 0], trusted[:, 0])
    is_alike = _similarities(view0, view1, nearest) >= np.quantile(
        _similarities(view0, view1, trusted), _LEAST_SHARE
    )
    found = nearest[~is_new | is_alike]
    others = pairs[~is_known[pairs[:, 0]]]
    others = others[~np.isin(others[:, 1], found[:, 1])]
    both = np.vstack([found, others])
    return both[np.argsort(both[:, 0], kind="stable")]


def _expected_pixels(view0: View, T_1_0: Array, K: Array) -> Array:
    """Return where view 1 should see the keypoints (N, 2) of view 0, px; NaN if nobody knows."""
    points = homogeneous(view0.xy) @ T_1_0[:3, :3].T
    points = points + view0.inverse_depth[:, None] * T_1_0[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = project(np.asarray(points), K)
    pixels[~(points[:, 2] > 0)] = np.nan
    return np.asarray(pixels)


def _nearest_within(
    view0: View, view1: View, index0: Index, expected: Array, radius_px: float
) -> Index:
    """Return pairs (Q, 2): each other's most similar one among those closer than the radius.

    Args:
        view0: reference.
        view1: current.
        index0: (M,) which of its keypoints are looked for.
        expected: (M, 2) px, where.
        radius_px: how far from there.
    """
    descriptors0, descriptors1 = view0.features.descriptors, view1.features.descriptors
    device = descriptors1.device
    places = torch.from_numpy(np.nan_to_num(view1.pixels, nan=-1e6)).float().to(device)
    away = torch.cdist(torch.from_numpy(expected).float().to(device), places)
    sought = descriptors0[torch.from_numpy(index0).to(device)]
    similarity = (sought @ descriptors1.T).masked_fill_(away > radius_px, _NEVER)
    best, nearest = similarity.max(dim=1)
    is_mutual = similarity.argmax(dim=0)[nearest] == torch.arange(len(best), device=device)
    partner = torch.where(is_mutual & (best > _NEVER), nearest, -1).cpu().numpy()
    rows = np.flatnonzero(partner >= 0)
    return np.column_stack([index0[rows], partner[rows]])


def _similarities(view0: View, view1: View, pairs: Index) -> Array:
    """Return the cosine similarity (P,) of pairs (P, 2)."""
    rows, columns = torch.from_numpy(np.ascontiguousarray(pairs.T))
    # Few rows, and the host has them already: no second wait for a GPU.
    descriptors0 = view0.features.to("cpu").descriptors
    descriptors1 = view1.features.to("cpu").descriptors
    alike = (descriptors0[rows] * descriptors1[columns]).sum(dim=1)
    return np.asarray(alike, dtype=np.float64)
