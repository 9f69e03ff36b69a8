"""The types of arrays; docstrings say shape, unit and frame."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

AnyArray: TypeAlias = NDArray[Any]
Array: TypeAlias = NDArray[np.float64]
Floats: TypeAlias = NDArray[np.float32]
Index: TypeAlias = NDArray[np.int64]  # positions (K,), or pairs of positions (K, 2)
Mask: TypeAlias = NDArray[np.bool_]
Pixels: TypeAlias = NDArray[np.uint8]  # (H, W) grey or (H, W, 3) RGB
