"""Landmarks with known errors before a camera with a known pose."""

from dataclasses import replace

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.sightings import Sightings

T_CAMERA_WORLD = se3.exp(np.array([0.4, -0.2, 1.0, 0.1, -0.3, 0.05]))
GUESS = se3.exp(np.array([0.1, 0.05, -0.1, 0.02, 0.02, -0.03])) @ T_CAMERA_WORLD
NOISE, DEPTH_SIGMA = 1e-3, 4e-3  # of a coordinate on z = 1, of an inverse depth (1/m)


def scene(seed=0, num=120, noise=NOISE, landmark_m=0.01):
    """Return landmarks (N, 3) as they are known, covariances (N, 3, 3), and what is seen.

    They are known four times as badly along the depth as across it.
    """
    generator = np.random.default_rng(seed)
    T_world_camera = se3.inverse(T_CAMERA_WORLD)
    seen = generator.uniform([-3, -2, 3], [3, 2, 12], (num, 3))
    axes = T_world_camera[:3, :3] * [1.0, 1.0, 4.0] * landmark_m
    points = se3.transform(T_world_camera, seen) + generator.normal(size=(num, 3)) @ axes.T
    sightings = Sightings(
        seen[:, :2] / seen[:, 2:] + generator.normal(size=(num, 2)) * noise,
        1 / seen[:, 2] + generator.normal(size=num) * DEPTH_SIGMA * noise / NOISE,
        np.full(num, DEPTH_SIGMA),
    )
    return points, np.tile(axes @ axes.T, (num, 1, 1)), sightings


def without_depth(sightings):
    return replace(sightings, inverse_depth=np.full(len(sightings.xy), np.nan))
