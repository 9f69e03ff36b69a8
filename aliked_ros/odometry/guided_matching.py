"""Matches near where a predicted motion expects them."""

from __future__ import annotations

import numpy as np
import torch

from aliked_ros.geometry.camera import project
from aliked_ros.geometry.vectors import seen_from
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.place_search import find_near, least_similarity
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array

_MIN_SHARE = 0.5  # of the pairs must lie where they are expected, or the prediction is not used


def guided(matched: MatchedViews, T_1_0: Array, K: Array, radius_px: float) -> MatchedViews | None:
    """Pair each keypoint with the most similar one among those near its expected place.

    The search is mutual, too. A keypoint that resembles many in the image, but one within the
    radius, finds its partner; a partner elsewhere is out of the question.

    Args:
        matched: mutual nearest neighbours among all keypoints of two views; only keypoints of
            view 0 whose depth is known can be expected somewhere.
        T_1_0: (4, 4) predicted motion.
        K: (3, 3) intrinsics of the rectified camera, px.
        radius_px: how wrong the prediction may be.

    Returns:
        Pairs sorted by the keypoint of view 0: those found near their expected place, and of the
        given pairs those whose keypoints know no depth and are free. None if the prediction is
        wrong: fewer than half of the given pairs lie where it expects them.
    """
    view0, view1, pairs = matched.view0, matched.view1, matched.pairs
    expected = _expected_pixels(view0, T_1_0, K)
    is_known = np.isfinite(expected).all(axis=1)
    given = pairs[is_known[pairs[:, 0]]]
    off_px = np.linalg.norm(view1.pixels[given[:, 1]] - expected[given[:, 0]], axis=1)
    trusted = given[off_px < radius_px]
    if len(trusted) == 0 or len(trusted) < _MIN_SHARE * len(given):
        return None
    index0 = np.flatnonzero(is_known)
    descriptors0 = view0.features.descriptors
    sought = descriptors0[torch.from_numpy(index0).to(descriptors0.device)]
    nearest, similarity = find_near(sought, expected[index0], view1, radius_px)
    nearest[:, 0] = index0[nearest[:, 0]]
    is_given = np.isin(nearest[:, 0], trusted[:, 0])
    found = nearest[is_given | (similarity >= least_similarity(view0, view1, trusted))]
    others = pairs[~is_known[pairs[:, 0]]]
    others = others[~np.isin(others[:, 1], found[:, 1])]
    both = np.vstack([found, others])
    return MatchedViews(view0, view1, both[np.argsort(both[:, 0], kind="stable")])


def _expected_pixels(view0: View, T_1_0: Array, K: Array) -> Array:
    """Return where view 1 should see the keypoints (N, 2) of view 0, px; NaN if not known."""
    points = seen_from(T_1_0, view0.xy, view0.inverse_depth)
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = project(points, K)
    pixels[~(points[:, 2] > 0)] = np.nan
    return pixels
