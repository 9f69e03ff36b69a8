"""Points with an expected place -> keypoints near it: mutual, the most similar ones."""

from __future__ import annotations

import numpy as np

from aliked_ros.native import as_float32, call, load_library
from aliked_ros.structs import AnyArray, Array, Index

_CELL_PX = 16.0


def find_near(
    sought: AnyArray,
    places_px: Array,
    radius_px: float,
    keypoints_px: Array,
    descriptors: AnyArray,
    image_size: tuple[int, int],
) -> tuple[Index, Array]:
    """Pair points and keypoints that are each other's most similar one within a radius."""
    library = load_library()
    assert library is not None
    num = len(sought)
    partner, similarity = np.full(num, -1, np.int32), np.full(num, -2, np.float32)
    height, width = image_size
    import ctypes

    call(
        library,
        "find_near",
        as_float32(sought),
        as_float32(places_px),
        np.full(num, radius_px, np.float32),
        num,
        as_float32(keypoints_px),
        as_float32(descriptors),
        len(keypoints_px),
        sought.shape[1],
        ctypes.c_float(_CELL_PX),
        int(width // _CELL_PX) + 1,
        int(height // _CELL_PX) + 1,
        partner,
        similarity,
    )
    return partner.astype(np.int64), similarity.astype(np.float64)
