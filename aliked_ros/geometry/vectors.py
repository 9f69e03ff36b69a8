"""Rays and points, row by row: what every part of the geometry stands on."""

from __future__ import annotations

import numpy as np

from aliked_ros.structs import Array


def homogeneous(xy: Array) -> Array:
    """Return (N, 3) rays (x, y, 1) of coordinates (N, 2)."""
    return np.column_stack([xy, np.ones(len(xy))])


def unit(vectors: Array) -> Array:
    """Return vectors (N, 3) with length one."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def angles_rad(rays0: Array, rays1: Array) -> Array:
    """Return the angles (N,), rad, between unit rays (N, 3), row by row."""
    chords = np.linalg.norm(rays0 - rays1, axis=1)
    return 2 * np.arcsin(np.minimum(chords / 2, 1.0))


def unproject(xy: Array, inverse_depth: Array) -> Array:
    """Return points (N, 3) of coordinates (N, 2) and 1 / depth (N,); not finite where unknown."""
    return homogeneous(xy) / inverse_depth[:, None]


def seen_from(T_1_0: Array, xy0: Array, inverse_depth0: Array) -> Array:
    """Return points of view 0 in view 1, each divided by its depth in view 0.

    Dividing keeps points at infinity finite: their inverse depth is 0. The third coordinate is
    the depth in view 1 over that in view 0; where it is not positive, view 1 cannot see the point.

    Args:
        T_1_0: (4, 4) motion between the views.
        xy0: (N, 2) coordinates on the plane z = 1 of view 0.
        inverse_depth0: (N,) 1 / depth along the optical axis of view 0; NaN gives NaN.

    Returns:
        (N, 3), the point in view 1 over the depth in view 0.
    """
    rotated: Array = homogeneous(xy0) @ T_1_0[:3, :3].T
    return rotated + inverse_depth0[:, None] * T_1_0[:3, 3]
