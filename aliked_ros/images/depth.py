"""Depth images -> metres."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliked_ros.images.errors import ImageError, check_pixels
from aliked_ros.images.layout import lay_out
from aliked_ros.structs import AnyArray, Floats

DEPTH_ENCODINGS = {"32FC1": "f4", "16UC1": "u2", "mono16": "u2"}
_BY_LOWER_CASE = {name.lower(): name for name in DEPTH_ENCODINGS}
# A median depth outside is none that a camera sees, so the unit is another one.
_PLAUSIBLE_M = (0.02, 250.0)
_STEP = 8  # each so many-th row and column tell the median


def decode_depth(
    data: Any,
    height: int,
    width: int,
    encoding: str,
    step: int,
    is_bigendian: bool = False,
    depth_scale: float = 0.0,
    max_megapixels: float = 0.0,
) -> Floats:
    """Turn the fields of a depth image into metres (REP 118).

    Args:
        data: the bytes, any object with the buffer protocol.
        height: rows.
        width: columns.
        encoding: "32FC1" in metres, or "16UC1" (also called "mono16") in millimetres.
        step: bytes from one row to the next, padding included.
        is_bigendian: whether values have their high byte first.
        depth_scale: metres per unit of the values; 0: by the encoding.
        max_megapixels: that are decoded; 0: any number.

    Returns:
        (H, W) float32, metres along the optical axis; NaN where the sensor gave none
        (0, infinite, negative, or 65535 of 16 bits).

    Raises:
        ImageError: unknown encoding, or data, step and size that contradict each other.
    """
    name = _BY_LOWER_CASE.get(encoding.lower())
    if name is None:
        raise ImageError(
            f"depth encoding is {encoding!r}: publish one of {', '.join(DEPTH_ENCODINGS)}"
        )
    check_pixels(width, height, max_megapixels)
    raw = lay_out(data, (height, width, 1), DEPTH_ENCODINGS[name], step, is_bigendian)[:, :, 0]
    return to_metres(raw, depth_scale)


def to_metres(raw: AnyArray, depth_scale: float = 0.0) -> Floats:
    """Return metres of (H, W) uint16 or float32 values; `depth_scale` as in `decode_depth`."""
    if raw.dtype == np.uint16:
        return depth_from_millimetres(raw, depth_scale or 1e-3)
    return depth_from_metres(raw * np.float32(depth_scale) if depth_scale else raw)


def depth_from_millimetres(raw: NDArray[np.uint16], scale_m: float = 1e-3) -> Floats:
    """Return metres with NaN where (H, W) uint16 values are 0 or saturated; metres per value."""
    depth_m = raw.astype(np.float32) / np.float32(1 / scale_m)
    depth_m[(raw == 0) | (raw == 65535)] = np.nan
    return depth_m


def depth_from_metres(raw: Floats) -> Floats:
    """Return a copy with NaN where the (H, W) float32 metres are not positive and finite."""
    depth_m = raw.astype(np.float32)
    depth_m[~((depth_m > 0) & np.isfinite(depth_m))] = np.nan
    return depth_m


def implausible_depth(depth_m: Floats) -> str:
    """Return what is wrong with the unit of a depth image (H, W), metres, or an empty string."""
    sample = depth_m[::_STEP, ::_STEP]
    known = sample[np.isfinite(sample)]
    if known.size == 0:
        return "none of its pixels holds a depth (all are 0, infinite, negative or no number)"
    median_m = float(np.median(known))
    low, high = _PLAUSIBLE_M
    if low <= median_m <= high:
        return ""
    return (
        f"median depth is {median_m:.4g} m: 32FC1 is in metres, 16UC1 in millimetres; if the "
        f"driver uses another unit, set depth_scale to metres per unit"
        + (", 0.001 for millimetres" if median_m > high else "")
    )
