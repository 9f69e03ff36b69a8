"""Depth as the TUM RGB-D layout stores it: 16 bits in fifths of a millimetre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aliked_ros.structs import Floats

UNITS_PER_M = 5000.0
_NO_DEPTH = 0
_TOO_FAR = 2**16 - 1


def to_metres(units: NDArray[np.uint16]) -> Floats:
    """Return (H, W) float32 metres of stored depth (H, W); NaN where there is none."""
    depth_m = units.astype(np.float32) / np.float32(UNITS_PER_M)
    depth_m[units == _NO_DEPTH] = np.nan
    return depth_m


def to_units(depth_m: Floats) -> NDArray[np.uint16]:
    """Return what is stored for (H, W) metres; nothing where there is none, or beyond 13.1 m."""
    units = np.nan_to_num(depth_m * UNITS_PER_M)
    return np.round(np.where(units < _TOO_FAR, units, _NO_DEPTH)).astype(np.uint16)
