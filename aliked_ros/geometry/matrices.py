"""Inverses of symmetric matrices: many small ones at once; of a hessian that may be singular."""

from __future__ import annotations

import numpy as np

from aliked_ros.structs import Array

_MAX_VARIANCE = 1e4  # of a direction that the measurements do not see


def inverse_symmetric(matrices: Array) -> Array:
    """Return the inverses of symmetric matrices (N, 3, 3), by cofactors; inf where singular.

    LAPACK's call for each of them would take most of the time.
    """
    a, b, c = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 0, 2]
    d, e, f = matrices[:, 1, 1], matrices[:, 1, 2], matrices[:, 2, 2]
    cofactors = np.empty_like(matrices)
    cofactors[:, 0, 0] = d * f - e * e
    cofactors[:, 0, 1] = cofactors[:, 1, 0] = c * e - b * f
    cofactors[:, 0, 2] = cofactors[:, 2, 0] = b * e - c * d
    cofactors[:, 1, 1] = a * f - c * c
    cofactors[:, 1, 2] = cofactors[:, 2, 1] = b * c - a * e
    cofactors[:, 2, 2] = a * d - b * b
    determinant = a * cofactors[:, 0, 0] + b * cofactors[:, 0, 1] + c * cofactors[:, 0, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return cofactors / determinant[:, None, None]


def covariance_of(hessian: Array) -> Array:
    """Return the inverse (n, n) of a hessian, large but finite where it says nothing."""
    values, vectors = np.linalg.eigh(hessian)
    variances = 1 / np.maximum(values, 1 / _MAX_VARIANCE)
    return vectors * variances @ vectors.T
