"""Matches messages -> arrays, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.msg import Matches
from aliked_ros.nodes.base.conversions.fields import check_length
from aliked_ros.structs import Floats, Index, Mask


@dataclass(frozen=True, eq=False)
class DrawnMatches:
    """What is drawn of matches; K pairs.

    Attributes:
        keypoints: (K, 2) float32, px in the current image.
        track_ids: (K,) int64, all different.
        inlier_mask: (K,) bool.
        image_size: (height, width) of the image, px.
    """

    keypoints: Floats
    track_ids: Index
    inlier_mask: Mask
    image_size: tuple[int, int]


def matches_from_message(message: Matches) -> DrawnMatches:
    """Return what a message holds.

    Raises:
        ValueError: if its arrays contradict each other or hold what is no number.
    """
    count = len(message.track_ids)
    check_length("keypoints_current", message.keypoints_current, 2 * count, "track_ids", count)
    check_length("inliers", message.inliers, count, "track_ids", count)
    keypoints = np.array(message.keypoints_current, np.float32).reshape(-1, 2)
    if not np.isfinite(keypoints).all():
        raise ValueError("keypoints_current holds numbers that are not finite")
    if np.abs(keypoints).max(initial=0) > 1e6:
        raise ValueError(f"keypoints_current reaches {np.abs(keypoints).max():.3g} px")
    ids = np.array(message.track_ids, np.uint64).astype(np.int64)
    if len(np.unique(ids)) != count:
        raise ValueError(f"track_ids has {count} ids of which some are equal")
    return DrawnMatches(
        keypoints, ids, np.array(message.inliers, bool), (message.height, message.width)
    )
