"""Points of a map -> those that a camera should show, and where."""

from __future__ import annotations

import ctypes

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project
from aliked_ros.geometry.vectors import unit
from aliked_ros.native import as_float64, call, load_library
from aliked_ros.structs import Array, Index


def expected_places(
    points_world: Array,
    direction: Array,
    numbers: Index,
    T_camera_world: Array,
    K: Array,
    image_size: tuple[int, int],
    min_cosine: float,
    *,
    with_compiled: bool = True,
) -> tuple[Index, Array]:
    """Return the points that lie in front of a camera and inside its image, and where.

    Those that were seen from quite another side are left out: they look different from here.

    Args:
        points_world: (L, 3).
        direction: (L, 3) unit vectors, world: the way in which each was looked at.
        numbers: (M,) rows of the points that are asked for.
        T_camera_world: (4, 4).
        K: (3, 3) intrinsics of the rectified camera, px.
        image_size: (height, width) px.
        min_cosine: between the direction and the camera's way of looking at the point.
        with_compiled: use the compiled kernel where there is one.

    Returns:
        numbers: (V,) of those that are expected, in the order in which they were asked for.
        places: (V, 2) px.
    """
    library = load_library() if with_compiled else None
    if library is None:
        return _in_numpy(
            points_world, direction, numbers, T_camera_world, K, image_size, min_cosine
        )
    expected, places = np.empty(len(numbers), np.int64), np.empty((len(numbers), 2))
    num = call(
        library, "expected_places", as_float64(points_world), as_float64(direction),
        np.ascontiguousarray(numbers, np.int64), len(numbers), as_float64(T_camera_world),
        as_float64(K), *image_size, float(min_cosine), expected, places, returns=ctypes.c_int,
    )  # fmt: skip
    return expected[:num], places[:num]


def _in_numpy(
    points: Array,
    direction: Array,
    numbers: Index,
    T: Array,
    K: Array,
    image_size: tuple[int, int],
    min_cosine: float,
) -> tuple[Index, Array]:
    """Compute in arrays: the reference of the kernel."""
    numbers = numbers[se3.transform(T, points[numbers])[:, 2] > 0]
    chosen = points[numbers]
    places = project(se3.transform(T, chosen), K)
    height, width = image_size
    is_inside = (places >= 0).all(axis=1) & (places < [width, height]).all(axis=1)
    centre = -T[:3, :3].T @ T[:3, 3]
    cosine = np.einsum("ni,ni->n", unit(chosen - centre), direction[numbers])
    is_expected = is_inside & (cosine > min_cosine)
    return numbers[is_expected], places[is_expected]
