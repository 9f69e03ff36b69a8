"""Covariances (6, 6) of poses, translation first: carried to other axes, inverted."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array

_MAX_VARIANCE = 1e4  # of a direction that the measurements do not see


def propagate(jacobian: Array, covariance: Array) -> Array:
    """Return the covariance (n, n) of a linear function (n, m) of something with one (m, m)."""
    return jacobian @ covariance @ jacobian.T


def carry(T_a_b: Array, covariance: Array) -> Array:
    """Turn the covariance (6, 6) of a twist in frame b to that of the same motion in frame a."""
    return propagate(se3.adjoint(T_a_b), covariance)


def turn(R_a_b: Array, covariance: Array) -> Array:
    """Turn a covariance (6, 6) about the axes of b to the axes of a, for the same point."""
    return propagate(np.kron(np.eye(2), R_a_b), covariance)


def from_information(hessian: Array) -> Array:
    """Return the inverse (n, n) of a hessian, large but finite where it says nothing."""
    values, vectors = np.linalg.eigh(hessian)
    variances = 1 / np.maximum(values, 1 / _MAX_VARIANCE)
    return vectors * variances @ vectors.T
