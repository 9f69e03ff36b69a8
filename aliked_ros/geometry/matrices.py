"""Many small matrices at once, where LAPACK's call for each would take most of the time."""

from __future__ import annotations

import numpy as np

from aliked_ros.structs import Array


def inverse_symmetric(matrices: Array) -> Array:
    """Return the inverses of symmetric matrices (N, 3, 3), by cofactors; inf where singular."""
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
