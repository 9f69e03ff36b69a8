"""Landmarks -> keypoints of a view whose pose is known, by place and descriptor."""

from __future__ import annotations

import numpy as np
import torch

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.place_search import find_near, least_similarity
from aliked_ros.structs import Array, Index


def find_landmarks(
    points_world: Array,
    descriptors: list[torch.Tensor],
    sightings: tuple[Index, Index],
    matched: MatchedViews,
    K: Array,
    radius_px: float,
) -> Index:
    """Return pairs (P, 2) of landmark and keypoint of view 1, one-to-one.

    Each is the other's most similar one among those within the radius, and they are as alike as
    the pairs that support the pose.

    Args:
        points_world: (L, 3) landmarks.
        descriptors: of the keypoints of some views.
        sightings: view (L,) and keypoint (L,) that show each landmark.
        matched: a reference and the view that is searched, which has a pose, with the pairs that
            support it.
        K: (3, 3) intrinsics of the rectified camera, px.
        radius_px: how far from its place a landmark may be.
    """
    nothing = np.zeros((0, 2), dtype=np.int64)
    if len(points_world) == 0 or len(matched) == 0:
        return nothing
    view = matched.view1
    points_view = se3.transform(se3.inverse(view.pose), points_world)
    in_front = np.flatnonzero(points_view[:, 2] > 0)
    pixels = project(points_view[in_front], K)
    height, width = view.features.image_size
    visible = (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1)
    in_front, pixels = in_front[visible], pixels[visible]
    if len(in_front) == 0:
        return nothing
    owners, rows = sightings
    starts = np.cumsum([0, *(len(one) for one in descriptors)])
    index = torch.from_numpy(starts[owners[in_front]] + rows[in_front])
    sought = torch.cat(descriptors)[index.to(view.features.descriptors.device)]
    found, similarity = find_near(sought, pixels, view, radius_px)
    found = found[similarity > least_similarity(matched.view0, view, matched.pairs)]
    return np.column_stack([in_front[found[:, 0]], found[:, 1]])
