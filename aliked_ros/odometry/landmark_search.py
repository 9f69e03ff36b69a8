"""Landmarks -> keypoints of a view whose pose is known, by place and descriptor."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index

_LEAST_SHARE = 0.1  # of the trusted pairs are less alike than a landmark and its keypoint must be


def find_landmarks(
    view: View,
    points_world: Array,
    descriptors: list[Tensor],
    owners: Index,
    rows: Index,
    trusted: tuple[Tensor, Index],
    K: Array,
    radius_px: float,
) -> Index:
    """Return pairs (P, 2) of landmark and keypoint, one-to-one.

    Each is the other's most similar one among those within the radius, and they are at least as
    alike as nine in ten of the pairs that support the pose: a threshold that fits any feature.
    """
    nothing = np.zeros((0, 2), dtype=np.int64)
    if len(points_world) == 0 or len(trusted[1]) == 0:
        return nothing
    own = view.features.descriptors
    assert view.T_world_view is not None
    T = se3.inverse(view.T_world_view)
    points = points_world @ T[:3, :3].T + T[:3, 3]
    in_front = np.flatnonzero(points[:, 2] > 0)
    pixels = project(points[in_front], K)
    height, width = view.features.image_size
    visible = (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1)
    in_front, pixels = in_front[visible], pixels[visible]
    if len(in_front) == 0:
        return nothing
    starts = np.cumsum([0, *(len(one) for one in descriptors)])
    index = torch.from_numpy(starts[owners[in_front]] + rows[in_front])
    sought = torch.cat(descriptors)[index.to(own.device)]
    places = torch.from_numpy(np.nan_to_num(view.pixels, nan=-1e6)).to(own.device)
    away = torch.cdist(torch.from_numpy(pixels).to(own.device), places)
    similarity = (sought @ own.T).masked_fill(away > radius_px, -1.0)
    best, keypoint = similarity.max(dim=1)
    is_mutual = similarity.argmax(dim=0)[keypoint] == torch.arange(len(best), device=own.device)
    pairs = torch.from_numpy(trusted[1]).to(own.device)
    alike = (trusted[0][pairs[:, 0]] * own[pairs[:, 1]]).sum(dim=1)
    is_found = is_mutual & (best > torch.quantile(alike, _LEAST_SHARE)) & (best > -1.0)
    found = is_found.nonzero().squeeze(1).cpu().numpy()
    return np.column_stack([in_front[found], keypoint.cpu().numpy()[found]])
