"""Points with an expected place -> keypoints near it: mutual, the most similar ones."""

from __future__ import annotations

import ctypes

import numpy as np

from aliked_ros.native import as_float32, call, load_library
from aliked_ros.structs import AnyArray, Array, Index

_CELL_PX = 16.0
_NONE, _NO_SIMILARITY = -1, -2.0


def find_near(
    sought: AnyArray,
    places_px: Array,
    radius_px: float,
    keypoints_px: Array,
    descriptors: AnyArray,
    image_size: tuple[int, int],
    *,
    rows: Index | None = None,
    with_compiled: bool = True,
) -> tuple[Index, Array]:
    """Pair points and keypoints that are each other's most similar one within a radius.

    Args:
        sought: (N, D) descriptors of the points, unit rows; with `rows` (L, D), of more of them.
            N may be 0.
        places_px: (N, 2) where they are expected, px, inside the image or not; NaN is nowhere.
        radius_px: how far a keypoint may lie from there, at least 0.
        keypoints_px: (M, 2) px; NaN is nowhere. M may be 0.
        descriptors: (M, D) of the keypoints, unit rows.
        image_size: (height, width) px, where most keypoints lie.
        rows: (N,) the row of `sought` that is each point's; None: one after the other.
        with_compiled: use the compiled kernel where there is one.

    Returns:
        partner: (N,) int64, the keypoint of each point, the first of equals; -1 where no keypoint
            is near, or where the most similar one prefers another point.
        similarity: (N,) of each point's most similar keypoint within the radius, whether it
            prefers another or not; -2 where none is near.

    Raises:
        ValueError: if shapes do not fit together, or the radius or the size cannot be used.
    """
    if rows is None:
        rows = np.arange(len(sought))
    _check(sought, rows, places_px, radius_px, keypoints_px, descriptors, image_size)
    library = load_library() if with_compiled else None
    given = (
        as_float32(places_px), float(radius_px), as_float32(keypoints_px), as_float32(descriptors),
    )  # fmt: skip
    if library is None:
        return _in_numpy(as_float32(sought)[rows], *given)
    return _compiled(library, as_float32(sought), rows, *given, image_size)


def _check(
    sought: AnyArray,
    rows: Index,
    places_px: Array,
    radius_px: float,
    keypoints_px: Array,
    descriptors: AnyArray,
    image_size: tuple[int, int],
) -> None:
    num, dim = len(rows), np.shape(sought)[1]
    if num and not (rows.min() >= 0 and rows.max() < len(sought)):
        raise ValueError(
            f"rows are {rows.min()} to {rows.max()}: give rows of sought, 0 to {len(sought) - 1}"
        )
    for name, array, shape in (
        ("places_px", places_px, (num, 2)),
        ("keypoints_px", keypoints_px, (len(descriptors), 2)),
        ("descriptors", descriptors, (len(keypoints_px), dim)),
    ):
        if np.shape(array) != shape:
            raise ValueError(
                f"{name} has shape {np.shape(array)}, which does not fit: give {shape}"
            )
    if not radius_px >= 0:
        raise ValueError(f"radius_px is {radius_px}: give a distance of at least 0 px")
    if min(image_size) < 1:
        raise ValueError(f"image_size is {image_size}: give a height and a width of at least 1 px")


def _compiled(
    library: ctypes.CDLL,
    sought: AnyArray,
    rows: Index,
    places_px: AnyArray,
    radius_px: float,
    keypoints_px: AnyArray,
    descriptors: AnyArray,
    image_size: tuple[int, int],
) -> tuple[Index, Array]:
    num, (height, width) = len(rows), image_size
    partner, similarity = np.empty(num, np.int32), np.empty(num, np.float32)
    call(
        library, "find_near",
        sought, np.ascontiguousarray(rows, np.int64), places_px, ctypes.c_float(radius_px), num,
        keypoints_px, descriptors, len(keypoints_px), sought.shape[1],
        ctypes.c_float(_CELL_PX), int(width // _CELL_PX) + 1, int(height // _CELL_PX) + 1,
        partner, similarity,
    )  # fmt: skip
    return partner.astype(np.int64), similarity.astype(np.float64)


def _in_numpy(
    sought: AnyArray,
    places_px: AnyArray,
    radius_px: float,
    keypoints_px: AnyArray,
    descriptors: AnyArray,
) -> tuple[Index, Array]:
    """Compare everything with everything: the reference of the kernel."""
    num = len(sought)
    partner, similarity = np.full(num, _NONE, np.int64), np.full(num, _NO_SIMILARITY)
    if num == 0 or len(descriptors) == 0:
        return partner, similarity
    # Overflow is far away, and what is NaN is nowhere: neither is near.
    with np.errstate(over="ignore", invalid="ignore"):
        dx, dy = (np.subtract.outer(places_px[:, i], keypoints_px[:, i]) for i in range(2))
        is_near = dx * dx + dy * dy <= np.float32(radius_px) ** 2  # (N, M)
        similarities = sought @ descriptors.T  # (N, M)
    is_near &= np.isfinite(places_px).all(axis=1)[:, None] & np.isfinite(keypoints_px).all(axis=1)
    is_near &= similarities > _NO_SIMILARITY
    similarities = np.where(is_near, similarities, np.float32(_NO_SIMILARITY))
    best, points = similarities.argmax(axis=1), np.arange(num)
    is_mutual = is_near[points, best] & (similarities.argmax(axis=0)[best] == points)
    partner[is_mutual] = best[is_mutual]
    return partner, similarities[points, best].astype(np.float64)
