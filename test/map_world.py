"""A map of which everything is known: landmark n of it is point n of the world."""

from __future__ import annotations

import numpy as np
import torch
from point_world import CAMERA, WIDTH, K, World

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.localiser import Localiser
from aliked_ros.odometry.map.keyframe import Keyframe, no_landmarks
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.view import View

DEPTH_SIGMA = 1e-3  # of a measured inverse depth, 1/m
NOISE = 0.5 / K[0, 0]  # of a keypoint on the plane z = 1


def view_of(
    world: World,
    T_world_camera: np.ndarray,
    stamp_ns: int = 0,
    *,
    depth: bool = True,
    outlier_share: float = 0.0,
) -> View:
    """Return what a camera sees of the world."""
    features, depths_m = world.see(T_world_camera, outlier_share)
    return make_view(stamp_ns, features, CAMERA, depths_m if depth else None, DEPTH_SIGMA)


def points_of(world: World, view: View) -> np.ndarray:
    """Return which point of the world (N,) each keypoint of a view shows."""
    similarity = view.features.descriptors @ world.descriptors.T
    return torch.argmax(similarity, dim=1).numpy()


def keyframe_of(
    world: World, T_world_view: np.ndarray, number: int = 0, *, linked: bool = True, **how
) -> Keyframe:
    """Return a keyframe at a pose; its keypoints show the points of the world, or nothing."""
    view = view_of(world, T_world_view, number, **how)
    landmark = points_of(world, view) if linked else no_landmarks(view)
    return Keyframe(number, view, se3.inverse(T_world_view), np.zeros((6, 6)), landmark)


def true_map(world: World, path: list[np.ndarray], sigma_m: float = 1e-3, **how) -> LocalMap:
    """Return a map whose landmarks are the world's points, with a keyframe at each pose."""
    local_map = LocalMap(world.descriptors.shape[1])
    num = len(world.points)
    local_map.landmarks.add(
        world.points,
        np.tile(sigma_m**2 * np.eye(3), (num, 1, 1)),
        world.descriptors.numpy(),
        np.zeros((num, 3)),
        0,
    )
    for number, T in enumerate(path):
        local_map.append(keyframe_of(world, T, number, **how))
        local_map.refresh(local_map.newest)
    return local_map


def localiser(min_similarity: float = 0.5, **changes) -> Localiser:
    """Return a localiser of the world's camera."""
    config = OdometryConfig(sensor="rgbd", **changes)
    return Localiser(config, MatcherConfig(min_similarity=min_similarity), K, WIDTH)


def off(T_view_world: np.ndarray, T_world_camera: np.ndarray) -> tuple[float, float]:
    """Return how far a pose is from the truth: m, deg."""
    error = T_view_world @ T_world_camera
    return float(np.linalg.norm(error[:3, 3])), se3.rotation_angle_deg(error[:3, :3])
