"""Rotation matrices <-> unit quaternions (x, y, z, w), any number at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from aliked_ros.structs import Array


def to_quaternions(R: Array) -> Array:
    """Return the unit quaternions (..., 4) of rotations (..., 3, 3).

    Of the two signs it takes the one by which the largest part is positive.
    """
    xx, yy, zz = R[..., 0, 0], R[..., 1, 1], R[..., 2, 2]
    # Four times the products of any two parts; each row is the quaternion times one of its parts.
    products = np.empty((*R.shape[:-2], 4, 4))
    products[..., 0, 0] = 1 + xx - yy - zz
    products[..., 1, 1] = 1 - xx + yy - zz
    products[..., 2, 2] = 1 - xx - yy + zz
    products[..., 3, 3] = 1 + xx + yy + zz
    for i, j in ((0, 1), (0, 2), (1, 2)):
        products[..., i, j] = products[..., j, i] = R[..., i, j] + R[..., j, i]
    for part, i, j in ((0, 2, 1), (1, 0, 2), (2, 1, 0)):
        products[..., part, 3] = products[..., 3, part] = R[..., i, j] - R[..., j, i]
    # That of the largest part loses no digits.
    largest = np.diagonal(products, axis1=-2, axis2=-1).argmax(axis=-1)
    rows = np.take_along_axis(products, largest[..., None, None], axis=-2)[..., 0, :]
    return _unit(rows)


def to_rotations(quaternions: Array) -> Array:
    """Return the rotations (..., 3, 3) of quaternions (..., 4) of any length but 0."""
    x, y, z, w = np.moveaxis(_unit(quaternions), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _unit(quaternions: Array) -> Array:
    lengths: Array = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return quaternions / lengths
