"""A depth image or a stereo pair -> depth at the keypoints."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.config import StereoConfig
from aliked_ros.geometry.camera import (
    baseline_m,
    rectify_keypoints,
    with_principal_point_of,
)
from aliked_ros.geometry.rectification import Rectifier
from aliked_ros.geometry.stereo import match_along_rows
from aliked_ros.structs import AnyArray, Array, Camera, Floats, Pixels

# Relative jump of depth within a pixel's neighbourhood that tells an edge: there a keypoint may
# belong to either side. Slanted surfaces stay well below it.
_MAX_RELATIVE_JUMP = 0.1


def sample_depth(depth_m: Floats, keypoints: AnyArray) -> Array:
    """Read the depth at keypoints from a depth image registered to the (raw) colour image.

    Args:
        depth_m: (H, W) metres along the optical axis; NaN or not positive where unknown.
        keypoints: (N, 2) px.

    Returns:
        (N,) metres, the median of 3x3 pixels; NaN where fewer than half of them are known,
        where they straddle an edge, or outside the image.
    """
    height, width = depth_m.shape
    nearest = np.nan_to_num(np.rint(np.asarray(keypoints, dtype=np.float64)), nan=-1.0)
    x, y = nearest.astype(np.int64).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    offsets = np.arange(-1, 2)
    rows = np.clip(y[:, None] + offsets, 0, height - 1)[:, :, None]
    columns = np.clip(x[:, None] + offsets, 0, width - 1)[:, None, :]
    windows = np.asarray(depth_m[rows, columns], dtype=np.float64).reshape(len(x), 9)
    # Unknown pixels sort to the end as inf; the known ones lie before.
    windows = np.sort(np.where(windows > 0, windows, np.inf), axis=1)
    num_known = np.isfinite(windows).sum(axis=1)
    rank = np.arange(len(x))
    median = windows[rank, np.maximum(num_known - 1, 0) // 2]
    farthest = windows[rank, np.maximum(num_known - 1, 0)]
    is_known = inside & (num_known >= 5)
    spread = np.full(len(x), np.inf)
    np.subtract(farthest, windows[:, 0], out=spread, where=is_known)
    return np.where(is_known & (spread < _MAX_RELATIVE_JUMP * median), median, np.nan)


class StereoDepth:
    """Measures depth at the left keypoints of a calibrated pair.

    Args:
        left: left camera with the R and P of a stereo calibration (`rectify_pair` makes them).
        right: right camera; P[0, 3] of both tell the baseline.
        config: the range of the search.
    """

    def __init__(self, left: Camera, right: Camera, config: StereoConfig | None = None) -> None:
        self._left = left
        self._config = config or StereoConfig()
        self._disparity_to_depth = float(left.K_rectified[0, 0]) * baseline_m(right, left)
        self._rectify_left = Rectifier(left)
        self._rectify_right = Rectifier(with_principal_point_of(left, right))

    def __call__(
        self,
        left_image: Pixels,
        right_image: Pixels,
        keypoints: AnyArray,
    ) -> Array:
        """Return the depth (N,), metres along the rectified optical axis, NaN where unknown.

        Args:
            left_image: (H, W) grey or (H, W, 3) RGB raw left image.
            right_image: the right image in the same form.
            keypoints: (N, 2) px in the raw left image.
        """
        left = self._rectify_left(_grey(left_image))
        right = self._rectify_right(_grey(right_image))
        pixels = rectify_keypoints(keypoints, self._left)
        disparity = match_along_rows(left, right, pixels, self._config)
        return self._disparity_to_depth / disparity


def _grey(image: Pixels) -> Pixels:
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
