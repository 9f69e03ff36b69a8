"""The solver of `src/bundle.cpp`: that of arrays, several times faster and without the lock."""

from __future__ import annotations

import ctypes

import numpy as np

from aliked_ros.geometry.bundle.system import (
    LOSS_WIDTH,
    MAX_ITERATIONS,
    TOLERANCE,
    Observations,
    Solution,
)
from aliked_ros.native import as_float64, call
from aliked_ros.structs import Array, Mask


def solve_compiled(
    library: ctypes.CDLL,
    observations: Observations,
    T_camera_world: Array,
    is_fixed: Mask,
    points: Array,
) -> Solution:
    """Find the most likely poses and landmarks; see `solve_in_numpy`.

    Args:
        library: of `load_library`.
        observations: M measurements.
        T_camera_world: (K, 4, 4) first guess.
        is_fixed: (K,) bool, poses that stay.
        points: (L, 3) first guess.
    """
    # By landmark; those of the first keyframe first: it is the anchor.
    order = np.argsort(observations.landmark, kind="stable")
    start = np.searchsorted(observations.landmark[order], np.arange(len(points) + 1))
    size = 6 * int((~is_fixed).sum())
    T, points = as_float64(T_camera_world).copy(), as_float64(points).copy()
    chi2, hessian = np.zeros((len(order), 2)), np.zeros((size, size))
    point_covariance, costs = np.zeros((len(points), 3, 3)), np.zeros(2)
    num_iterations = call(
        library, "adjust_bundle",
        T, is_fixed.astype(np.uint8), len(T), points, start.astype(np.int32), len(points),
        observations.keyframe[order].astype(np.int32),
        as_float64(observations.measured[order]), as_float64(observations.precision[order]),
        LOSS_WIDTH, MAX_ITERATIONS, TOLERANCE,
        chi2, hessian, point_covariance, costs,
        returns=ctypes.c_int,
    )  # fmt: skip
    unsorted = np.empty_like(chi2)
    unsorted[order] = chi2
    return Solution(T, points, unsorted, hessian, point_covariance, num_iterations, *costs.tolist())
