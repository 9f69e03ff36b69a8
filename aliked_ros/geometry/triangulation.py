"""Two rays -> inverse depth of the landmark and how well it is known; parallax."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry.vectors import angles_rad, homogeneous, seen_from
from aliked_ros.structs import Array


def inverse_depth_from_motion(
    xy0: Array, xy1: Array, T_1_0: Array, noise: float
) -> tuple[Array, Array]:
    """Triangulate matches of two views with a known motion.

    The unknown is the inverse depth along the ray of view 0: it is what two views measure, with
    nearly Gaussian noise even for points so far away that their depth has no upper bound.

    Args:
        xy0: (N, 2) coordinates on the plane z = 1 of view 0.
        xy1: (N, 2) coordinates on the plane z = 1 of view 1.
        T_1_0: (4, 4); its translation gives the unit of the depth.
        noise: standard deviation of a coordinate, rad (px divided by focal length).

    Returns:
        inverse_depth: (N,) 1 / depth along the optical axis of view 0; negative where the rays
            meet behind it (a wrong match, or noise at infinity).
        sigma: (N,) its standard deviation; inf where the rays hold no information.
    """
    rotated = homogeneous(xy0) @ T_1_0[:3, :3].T  # (N, 3)
    t = T_1_0[:3, 3]
    # The point seen by view 1 is rotated + inverse_depth * t; asking that it lies on the ray
    # of view 1 gives two equations a + inverse_depth * b = 0.
    a = xy1 * rotated[:, 2:] - rotated[:, :2]
    b = xy1 * t[2] - t[:2]
    information = np.maximum((b * b).sum(axis=1), 1e-300)
    inverse_depth = -(a * b).sum(axis=1) / information
    # Noise of both views shifts a, scaled by the depth in view 1 over that in view 0.
    stretch = np.abs(rotated[:, 2] + inverse_depth * t[2])
    with np.errstate(over="ignore"):
        sigma = np.sqrt(2.0) * noise * stretch / np.sqrt(information)
    return inverse_depth, sigma


def depth_ratio(inverse_depth: Array, xy0: Array, T_1_0: Array) -> Array:
    """Return depth in view 1 over depth in view 0 (N,); positive if view 1 sees the point too."""
    return seen_from(T_1_0, xy0, inverse_depth)[:, 2]


def parallax_deg(rays0: Array, rays1: Array, R_1_0: Array) -> Array:
    """Return the angles (N,), deg, between matched unit rays after removing the rotation."""
    return np.degrees(angles_rad(rays0 @ R_1_0.T, rays1))
