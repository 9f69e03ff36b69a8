"""Matched keypoints of queries and a map of points -> poses, and the shares within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.pnp import estimate_absolute_pose
from aliked_ros.structs import Array, Index

# The bounds of the long-term localization benchmark (Sattler et al. 2018): metres and degrees.
BOUNDS = ((0.25, 2.0), (0.5, 5.0), (5.0, 10.0))
NO_POINT = -1
_MAX_ITERATIONS = 100_000  # of the sampling: nobody waits for it


@dataclass(frozen=True, eq=False)
class PointMap:
    """Points that were triangulated from posed images.

    Attributes:
        points_world: (P, 3) metres.
        point_of_keypoint: map image -> (N,) int64, index into points_world of each of its
            keypoints, or NO_POINT.
        mean_track_length: images that a point is seen in.
        mean_error_px: reprojection error.
    """

    points_world: Array
    point_of_keypoint: dict[int, Index]
    mean_track_length: float
    mean_error_px: float


@dataclass(frozen=True, eq=False)
class Localization:
    """Where a query was taken.

    Attributes:
        T_world_camera: (4, 4), or None where too few points were recognised.
        num_inliers: pairs of a keypoint and a point that agree with the pose.
    """

    T_world_camera: Array | None
    num_inliers: int


def split(num_frames: int, map_every: int, query_every: int) -> tuple[list[int], list[int]]:
    """Return the frames of the map and, half a step beside them, those that are localized."""
    if map_every < 2 or query_every < 1:
        raise ValueError(
            f"map-every is {map_every} and query-every {query_every}: give at least 2 and 1, so "
            "that frames remain to be localized"
        )
    in_map = list(range(0, num_frames, map_every))
    queries = list(range(map_every // 2, num_frames, query_every))
    return in_map, [frame for frame in queries if frame % map_every]


def nearest(T_world_camera: Array, candidates: dict[int, Array], count: int) -> list[int]:
    """Return which of some (4, 4) see most alike: one metre apart counts like 30 deg."""

    def distance(index: int) -> float:
        T_candidate_camera = se3.inverse(candidates[index]) @ T_world_camera
        angle_deg = se3.rotation_angle_deg(T_candidate_camera[:3, :3])
        return float(np.linalg.norm(T_candidate_camera[:3, 3])) + angle_deg / 30

    return sorted(candidates, key=distance)[:count]


def localize(
    keypoints: Array,
    matches: dict[int, Index],
    point_map: PointMap,
    K: Array,
    threshold_px: float,
    seed: int = 0,
) -> Localization:
    """Estimate the pose of a query.

    Args:
        keypoints: (N, 2) px of the query.
        matches: map image -> (K, 2), keypoints of the query and of that image.
        point_map: the points.
        K: (3, 3) intrinsics of the query, px.
        threshold_px: largest reprojection error of an inlier.
        seed: of the random sampling.
    """
    found = [np.empty((0, 2), np.int64)]
    for index, pairs in matches.items():
        points = point_map.point_of_keypoint[index][pairs[:, 1]]
        found.append(np.column_stack([pairs[:, 0], points])[points != NO_POINT])
    # Several map images tell the same pair of keypoint and point: it counts once.
    pairs = np.unique(np.concatenate(found), axis=0)
    estimate = estimate_absolute_pose(
        point_map.points_world[pairs[:, 1]],
        keypoints[pairs[:, 0]],
        K,
        threshold_px,
        seed,
        _MAX_ITERATIONS,
    )
    if estimate is None:
        return Localization(None, 0)
    T_camera_world, inlier_mask = estimate
    return Localization(se3.inverse(T_camera_world), int(inlier_mask.sum()))


def pose_error(T_world_camera: Array, estimate: Array | None) -> tuple[float, float]:
    """Return the distance, m, and the angle, deg, between two poses (4, 4)."""
    if estimate is None:
        return float("inf"), float("inf")
    distance_m = float(np.linalg.norm(T_world_camera[:3, 3] - estimate[:3, 3]))
    return distance_m, se3.rotation_angle_deg(T_world_camera[:3, :3].T @ estimate[:3, :3])


def shares_within(errors: Sequence[tuple[float, float]]) -> list[float]:
    """Return the share of the errors (m, deg) within each of BOUNDS."""
    table = np.array(errors, np.float64).reshape(-1, 2)
    return [float((table <= bound).all(axis=1).mean()) if len(table) else 0.0 for bound in BOUNDS]
