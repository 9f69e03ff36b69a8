"""An estimated path laid over the ground truth, least squares, for the eye."""

from __future__ import annotations

import numpy as np

from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.structs import Array, Index

_MAX_DIFFERENCE_NS = 20_000_000
_MIN_PAIRS = 3


def align(
    path: GroundTruth, truth: GroundTruth, *, with_scale: bool
) -> tuple[Array, Array, Array] | None:
    """Return stamps, aligned positions and ground truth of the poses that both have.

    Args:
        path: T_world_camera in a world of its own.
        truth: T_world_camera of the same camera.
        with_scale: Sim(3) instead of SE(3).

    Returns:
        (K,) seconds since the first pose of the path, (K, 3) metres, (K, 3) metres; or None where
        fewer than three poses have a partner within 20 ms.
    """
    nearest = _nearest(path.stamps_ns, truth.stamps_ns)
    difference_ns = np.abs(truth.stamps_ns[nearest] - path.stamps_ns)
    kept = difference_ns <= _MAX_DIFFERENCE_NS
    if kept.sum() < _MIN_PAIRS:
        return None
    estimate = path.T_world_camera[kept, :3, 3]
    reference = truth.T_world_camera[nearest[kept], :3, 3]
    seconds = (path.stamps_ns[kept] - path.stamps_ns[0]) * 1e-9
    return seconds, _transform(estimate, reference, with_scale), reference


def _nearest(stamps_ns: Index, sorted_ns: Index) -> Index:
    """Return (N,) for each stamp the row of the nearest of the others."""
    after = np.clip(np.searchsorted(sorted_ns, stamps_ns), 1, max(len(sorted_ns) - 1, 1))
    after = np.minimum(after, len(sorted_ns) - 1)
    before = np.maximum(after - 1, 0)
    is_nearer = stamps_ns - sorted_ns[before] < sorted_ns[after] - stamps_ns
    return np.where(is_nearer, before, after)


def _transform(estimate: Array, reference: Array, with_scale: bool) -> Array:
    """Return (K, 3) the estimate, moved onto the reference by Umeyama's closed form."""
    centred = estimate - estimate.mean(axis=0)
    target = reference - reference.mean(axis=0)
    U, singular, V_t = np.linalg.svd(target.T @ centred)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(U) * np.linalg.det(V_t))])
    R = (U * signs) @ V_t
    variance = float((centred**2).sum())
    scale = float((singular * signs).sum()) / variance if with_scale and variance else 1.0
    return scale * centred @ R.T + reference.mean(axis=0)
