"""What an adjusted window knows about its landmarks -> depths of its newest keyframe."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry.bundle.problem import BundleResult
from aliked_ros.odometry.local_map import NONE, LocalMap, gather
from aliked_ros.structs import Array, Index, Mask


def pass_depths_on(window: LocalMap, result: BundleResult, noise: float, is_good: Mask) -> None:
    """Give the newest keyframe the depths of its landmarks, and how well they are known.

    Args:
        window: as it was adjusted.
        result: of the adjustment.
        noise: standard deviation of a coordinate on the plane z = 1.
        is_good: (M,) which of the window's sightings count.
    """
    keyframes = window.keyframes
    owners, rows, landmarks = window.sightings()
    depth_sigma = gather([k.measured.depth_sigma for k in keyframes], owners, rows)
    xy_sigma = noise * gather([k.measured.spread for k in keyframes], owners, rows)
    information = _information(result, owners, landmarks, xy_sigma, depth_sigma)
    information[~is_good] = 0
    total = np.zeros((len(result.points_world), 3, 3))
    np.add.at(total, landmarks, information)
    newest, T_camera_world = keyframes[-1], result.T_camera_world[-1]
    index = np.flatnonzero(newest.landmark != NONE)
    seen = newest.landmark[index]
    z = result.points_world[seen] @ T_camera_world[2, :3] + T_camera_world[2, 3]
    is_known = result.is_used[seen] & (z > 0)
    index, seen, z = index[is_known], seen[is_known], z[is_known]
    hessian = total[seen]
    floor = 1e-9 * np.trace(hessian, axis1=1, axis2=2) + 1e-12
    covariance = np.linalg.inv(hessian + floor[:, None, None] * np.eye(3))
    by_point = -T_camera_world[2, :3] / z[:, None] ** 2  # of the inverse depth
    variance = np.einsum("ni,nij,nj->n", by_point, covariance, by_point)
    inverse_depth, sigma = newest.view.inverse_depth.copy(), newest.view.depth_sigma.copy()
    inverse_depth[index], sigma[index] = 1 / z, np.sqrt(variance)
    newest.view = newest.view.with_depth(inverse_depth, sigma)


def _information(
    result: BundleResult, owners: Index, landmarks: Index, xy_sigma: Array, depth_sigma: Array
) -> Array:
    """Return what each sighting says about its landmark: (M, 3, 3), poses held still."""
    T_camera_world = result.T_camera_world[owners]
    R_camera_world = T_camera_world[:, :3, :3]
    points = np.einsum("mij,mj->mi", R_camera_world, result.points_world[landmarks])
    points = points + T_camera_world[:, :3, 3]
    z = np.maximum(points[:, 2], 1e-6)
    by_camera = np.zeros((len(points), 3, 3))
    by_camera[:, 0, 0] = by_camera[:, 1, 1] = 1 / z / xy_sigma
    by_camera[:, :2, 2] = -points[:, :2] / z[:, None] ** 2 / xy_sigma[:, None]
    by_camera[:, 2, 2] = -1 / z**2 / depth_sigma
    by_point: Array = by_camera @ R_camera_world
    return by_point.transpose(0, 2, 1) @ by_point
