"""A new keyframe -> the landmarks that it makes: by measured depth, and by triangulation."""

from __future__ import annotations

import numpy as np
import torch

from aliked_ros.geometry import se3
from aliked_ros.geometry.epipolar import essential_matrix
from aliked_ros.geometry.triangulation import inverse_depth_from_motion
from aliked_ros.geometry.vectors import homogeneous, seen_from, unproject
from aliked_ros.native import one_torch_thread
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.structs import AnyArray, Array, Index

_MAX_DEPTH_SIGMA = 0.5  # of a measured inverse depth, relative
_MAX_TRIANGULATED_SIGMA = 0.25  # of a triangulated one
_NUM_NEIGHBOURS = 8  # keyframes that a new one is triangulated with
_MIN_SHARED = 10  # landmarks that such a keyframe has in common with it
_MIN_BASELINE = 0.01  # over the median depth
_MAX_OFF = 3.0  # from the epipolar line, in standard deviations of a keypoint


def add_by_depth(local_map: LocalMap, keyframe: Keyframe, noise: float) -> Index:
    """Make landmarks of the keypoints whose depth is measured; return their numbers (M,).

    Args:
        local_map: the map.
        keyframe: a keyframe of it.
        noise: standard deviation of a keypoint of spread 1 on the plane z = 1.
    """
    view, free = keyframe.view, keyframe.free
    inverse_depth, depth_sigma = view.inverse_depth[free], view.depth_sigma[free]
    with np.errstate(invalid="ignore"):
        keypoints = free[depth_sigma < _MAX_DEPTH_SIGMA * inverse_depth]
    placed = placed_by(
        keyframe,
        keypoints,
        view.inverse_depth[keypoints],
        view.depth_sigma[keypoints],
        noise,
    )
    return local_map.link(keyframe, keypoints, *placed)


def add_by_triangulation(
    local_map: LocalMap, keyframe: Keyframe, noise: float, least_similarity: float
) -> None:
    """Make landmarks of keypoints that neighbours show too, from another side.

    Args:
        local_map: the map.
        keyframe: a keyframe of it.
        noise: standard deviation of a keypoint of spread 1 on the plane z = 1.
        least_similarity: cosine of two descriptors that may show one point.
    """
    numbers = keyframe.numbers
    points = local_map.landmarks.points_world[numbers]
    depths = se3.transform(keyframe.T_view_world, points)[:, 2]
    least_baseline = _MIN_BASELINE * (float(np.median(depths)) if len(depths) else 1.0)
    neighbours = [k for k in local_map.covisible(numbers, _MIN_SHARED) if k is not keyframe]
    for neighbour in neighbours[:_NUM_NEIGHBOURS]:
        T_1_0 = keyframe.T_view_world @ neighbour.T_world_view
        if np.linalg.norm(T_1_0[:3, 3]) >= least_baseline:
            _triangulate(local_map, neighbour, keyframe, T_1_0, noise, least_similarity)


def _triangulate(
    local_map: LocalMap,
    keyframe0: Keyframe,
    keyframe1: Keyframe,
    T_1_0: Array,
    noise: float,
    least_similarity: float,
) -> None:
    """Pair free keypoints of two keyframes along epipolar lines; keep what has parallax."""
    free0, free1 = keyframe0.free, keyframe1.free
    if len(free0) == 0 or len(free1) == 0:
        return
    view0, view1 = keyframe0.view, keyframe1.view
    off = epipolar_distance(view0.xy[free0], view1.xy[free1], T_1_0) / noise
    rows, columns = _most_similar(
        view0.descriptors[free0], view1.descriptors[free1], off < _MAX_OFF, least_similarity
    )
    index0, index1 = free0[rows], free1[columns]
    xy0, xy1 = view0.xy[index0], view1.xy[index1]
    spread = np.hypot(view0.spread[index0], view1.spread[index1]) / np.sqrt(2)
    inverse_depth, sigma = inverse_depth_from_motion(xy0, xy1, T_1_0, noise * spread)
    is_seen = seen_from(T_1_0, xy0, inverse_depth)[:, 2] > 0
    good = (inverse_depth > 0) & is_seen & (sigma < _MAX_TRIANGULATED_SIGMA * inverse_depth)
    placed = placed_by(keyframe0, index0[good], inverse_depth[good], sigma[good], noise)
    keyframe0.landmark[index0[good]] = local_map.link(keyframe1, index1[good], *placed)


def epipolar_distance(xy0: Array, xy1: Array, T_1_0: Array) -> Array:
    """Return how far (N, M) points of two views are from each other's epipolar lines (Sampson).

    Args:
        xy0: (N, 2) coordinates on the plane z = 1 of view 0.
        xy1: (M, 2) of view 1.
        T_1_0: (4, 4) motion between the views.
    """
    E = essential_matrix(T_1_0)
    rays0, rays1 = homogeneous(xy0), homogeneous(xy1)
    lines1, lines0 = rays0 @ E.T, rays1 @ E  # (N, 3) in view 1, (M, 3) in view 0
    slope1, slope0 = (lines1[:, :2] ** 2).sum(axis=1), (lines0[:, :2] ** 2).sum(axis=1)
    slope = np.sqrt(slope1[:, None] + slope0)
    distance: Array = np.abs(lines1 @ rays1.T) / np.maximum(slope, 1e-12)
    return distance


def _most_similar(
    descriptors0: AnyArray, descriptors1: AnyArray, allowed: AnyArray, least: float
) -> tuple[Index, Index]:
    """Return the rows and columns (P,) of pairs that are each other's most similar allowed one."""
    with one_torch_thread():
        similarity = torch.from_numpy(descriptors0) @ torch.from_numpy(descriptors1).T
        similarity.masked_fill_(torch.from_numpy(~allowed), -2.0)
        best, column = similarity.max(dim=1)
        is_mutual = similarity.argmax(dim=0)[column] == torch.arange(len(column))
        rows = torch.nonzero(is_mutual & (best > least))[:, 0]
    return rows.numpy(), column[rows].numpy()


def placed_by(
    keyframe: Keyframe, keypoints: Index, inverse_depth: Array, depth_sigma: Array, noise: float
) -> tuple[Array, Array]:
    """Return where keypoints (M,) with known depth lie in the world, and the covariance of that.

    The covariance has two parts: across the optical axis from the keypoint, along the ray from
    the depth.

    Args:
        keyframe: where they were seen from.
        keypoints: (M,).
        inverse_depth: (M,) 1 / depth along the optical axis.
        depth_sigma: (M,) its standard deviation.
        noise: standard deviation of a keypoint of spread 1 on the plane z = 1.

    Returns:
        points_world: (M, 3).
        covariance: (M, 3, 3).
    """
    T_world_view = keyframe.T_world_view
    xy = keyframe.view.xy[keypoints]
    points_world = se3.transform(T_world_view, unproject(xy, inverse_depth))
    axis = T_world_view[:3, 2]
    rays = homogeneous(xy) @ T_world_view[:3, :3].T
    across = (noise * keyframe.view.spread[keypoints] / inverse_depth) ** 2
    along = (depth_sigma / inverse_depth**2) ** 2
    covariance = across[:, None, None] * (np.eye(3) - np.outer(axis, axis))
    covariance += along[:, None, None] * rays[:, :, None] * rays[:, None, :]
    return points_world, covariance
