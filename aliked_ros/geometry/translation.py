"""A known rotation and points that were seen again -> the translation."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array, Mask

_NUM_HYPOTHESES = 300
_NUM_REFINEMENTS = 5


def estimate_translation(
    R_1_0: Array, points0: Array, xy1: Array, width: float, seed: int
) -> tuple[Array, Mask] | None:
    """Estimate a motion whose rotation is known from points that were seen again.

    Two points give a translation; the one of 300 that most points agree with is refined on those.

    Args:
        R_1_0: (3, 3) the known rotation.
        points0: (N, 3) points in view 0.
        xy1: (N, 2) where view 1 sees them, on the plane z = 1.
        width: largest error of an inlier on that plane; what the rotation may be wrong included.
        seed: of the random sampling.

    Returns:
        T_1_0 (4, 4) and the inlier mask (N,); None if there are fewer than two points.
    """
    count = len(points0)
    if count < 2:
        return None
    turned = points0 @ R_1_0.T
    # A point at turned + t is seen along (x, y, 1): two equations that are linear in t.
    A = np.zeros((count, 2, 3))
    A[:, 0, 0] = A[:, 1, 1] = 1.0
    A[:, :, 2] = -xy1
    b = xy1 * turned[:, 2:] - turned[:, :2]
    generator = np.random.default_rng(seed)
    first = generator.integers(0, count, _NUM_HYPOTHESES)
    second = (first + generator.integers(1, count, _NUM_HYPOTHESES)) % count
    pairs = np.column_stack([first, second])
    hypotheses = _solve(A[pairs].reshape(-1, 4, 3), b[pairs].reshape(-1, 4))  # (H, 3)
    errors = np.array([_errors(turned + t, xy1) for t in hypotheses])
    t = hypotheses[np.argmin(np.minimum(errors, width).sum(axis=1))]
    for _ in range(_NUM_REFINEMENTS):
        is_inlier = _errors(turned + t, xy1) < width
        if is_inlier.sum() < 2:
            break
        # Over the depth, so that each point counts by its error in the image.
        near = 1 / (turned + t)[is_inlier, 2]
        rows, values = A[is_inlier] * near[:, None, None], b[is_inlier] * near[:, None]
        t = _solve(rows.reshape(1, -1, 3), values.reshape(1, -1))[0]
    is_inlier = _errors(turned + t, xy1) < width
    return se3.from_rotation_translation(R_1_0, t), is_inlier


def _solve(A: Array, b: Array) -> Array:
    """Return the least-squares solutions (H, 3) of H systems (H, M, 3), (H, M)."""
    transposed = np.swapaxes(A, 1, 2)
    # Two points on one ray fix no translation; the tiny ridge keeps it finite and it loses.
    normal = transposed @ A + 1e-12 * np.eye(3)
    return np.linalg.solve(normal, transposed @ b[..., None])[..., 0]


def _errors(points1: Array, xy1: Array) -> Array:
    """Return the distance (N,) of points (N, 3) to where they are seen; inf behind the camera."""
    in_front = points1[:, 2] > 0
    predicted = points1 / np.where(in_front, points1[:, 2], 1.0)[:, None]
    distance = np.linalg.norm(predicted[:, :2] - xy1, axis=1)
    return np.where(in_front, distance, np.inf)
