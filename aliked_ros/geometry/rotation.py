"""Matched rays -> the rotation that alone explains them best."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry.vectors import angles_rad
from aliked_ros.structs import Array, Mask

_NUM_HYPOTHESES = 100
_NUM_REFINEMENTS = 5


def estimate_rotation(
    rays0: Array, rays1: Array, threshold_rad: float, seed: int
) -> tuple[Array, Mask] | None:
    """Estimate the rotation that carries most rays of view 0 to view 1.

    A hundred rotations from two matches each, the best one refined on what agrees with it.
    Translation is not modelled: near points of a moving camera are simply outliers.

    Args:
        rays0: (N, 3) unit rays of view 0.
        rays1: (N, 3) unit rays of view 1, row by row the same points.
        threshold_rad: largest angle of an inlier.
        seed: of the random sampling.

    Returns:
        R_1_0 (3, 3) and the inlier mask (N,); None if there are fewer than two matches.
    """
    if len(rays0) < 2:
        return None
    generator = np.random.default_rng(seed)
    pairs = generator.integers(0, len(rays0), size=(_NUM_HYPOTHESES, 2))
    frames0 = _frames(rays0[pairs[:, 0]], rays0[pairs[:, 1]])  # (H, 3, 3)
    frames1 = _frames(rays1[pairs[:, 0]], rays1[pairs[:, 1]])
    hypotheses = frames1 @ np.swapaxes(frames0, 1, 2)
    predicted = np.einsum("hij,nj->hni", hypotheses, rays0)
    cosines = np.einsum("hni,ni->hn", predicted, rays1)
    # For small angles 2 - 2 cos is the squared angle; truncating it makes outliers cost alike.
    costs = np.minimum(2 - 2 * cosines, threshold_rad**2).sum(axis=1)
    R_1_0: Array = hypotheses[np.argmin(costs)]
    for _ in range(_NUM_REFINEMENTS):
        inlier_mask = angles_rad(rays0 @ R_1_0.T, rays1) < threshold_rad
        if inlier_mask.sum() < 2:
            break
        R_1_0 = align_rays(rays0[inlier_mask], rays1[inlier_mask])
    return R_1_0, angles_rad(rays0 @ R_1_0.T, rays1) < threshold_rad


def _frames(first: Array, second: Array) -> Array:
    """Return orthonormal frames (H, 3, 3) spanned by pairs of rays (H, 3)."""
    x = first + second
    y = first - second
    # A pair of one ray twice spans nothing; the tiny offset keeps it finite and it loses the vote.
    x = x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-12)
    y = y / (np.linalg.norm(y, axis=1, keepdims=True) + 1e-12)
    return np.stack([x, y, np.cross(x, y)], axis=2)


def align_rays(rays0: Array, rays1: Array) -> Array:
    """Return the least-squares rotation R_1_0 (3, 3) of rays (N, 3) to rays (N, 3) (Kabsch)."""
    U, _, V_transposed = np.linalg.svd(rays1.T @ rays0)
    proper = np.diag([1.0, 1.0, np.linalg.det(U @ V_transposed)])  # no reflection
    return U @ proper @ V_transposed
