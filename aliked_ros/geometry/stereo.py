"""A rectified pair -> disparity at the left keypoints, by a search along the row."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from aliked_ros.config import StereoConfig
from aliked_ros.structs import Array, Floats, Index, Pixels

_SEARCH_RADIUS = 3  # half-resolution px: the search compares windows of 7x7
_ALIGN_SIZE = 31  # px: the alignment compares windows of 31x31
_MIN_CORRELATION = 0.6  # below, the windows show different points
_MIN_MARGIN = 0.03  # lead in correlation over the second best disparity
_MAX_ROW_OFFSET_PX = 1.0  # largest error of the rectification across the rows
_MAX_SHIFT_PX = 2.0  # along the row, by which the alignment may leave the answer of the search


def match_along_rows(left: Pixels, right: Pixels, pixels: Array, config: StereoConfig) -> Array:
    """Measure the disparity of keypoints of the left image.

    Zero-mean normalised cross-correlation at half resolution over the whole range, accepted only
    where the peak is high, unique and found again from the right image; then a Lucas-Kanade
    alignment at full resolution, which gives the sub-pixel part.

    Args:
        left: (H, W) grey rectified left image.
        right: (H, W) grey rectified right image.
        pixels: (N, 2) px in the rectified left image; NaN where unknown.
        config: the range of the search.

    Returns:
        (N,) disparity x_left - x_right, px; NaN where ambiguous, hidden or outside the images.
    """
    height, width = left.shape
    disparity = np.full(len(pixels), np.nan)
    inside = (pixels >= 0).all(axis=1) & (pixels <= [width - 1, height - 1]).all(axis=1)
    index = np.flatnonzero(inside)
    if len(index) == 0 or min(left.shape) < 2 * _ALIGN_SIZE:
        return disparity
    coarse = _search(_halve(left), _halve(right), pixels[index] / 2 - 0.25, config)
    index, coarse = index[np.isfinite(coarse)], coarse[np.isfinite(coarse)]
    if len(index):
        disparity[index] = _align(left, right, pixels[index], 2 * coarse)
    return disparity


def _halve(image: Pixels) -> Floats:
    size = (image.shape[1] // 2, image.shape[0] // 2)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _search(left: Floats, right: Floats, pixels: Array, config: StereoConfig) -> Array:
    """Return the disparity (N,) with the best correlation, NaN where it cannot be trusted."""
    corners = np.rint(pixels).astype(np.int64)
    num_disparities = config.max_disparity_px // 2 + 1
    correlation = _correlate(left, right, corners, -np.arange(num_disparities))  # (N, D)
    best = correlation.argmax(axis=1)
    rows = np.arange(len(best))
    peak = correlation[rows, best]
    neighbourhood = np.abs(np.arange(num_disparities) - best[:, None]) <= 2
    second = np.where(neighbourhood, -1, correlation).max(axis=1)
    trusted = (peak > _MIN_CORRELATION) & (second < peak - _MIN_MARGIN)
    if not trusted.any():
        return np.full(len(pixels), np.nan)
    back_corners = corners - np.column_stack([best, np.zeros_like(best)])
    back = _correlate(right, left, back_corners[trusted], np.arange(num_disparities))
    trusted[trusted] = np.abs(back.argmax(axis=1) - best[trusted]) <= 1
    return np.where(trusted, best + _peak_offset(correlation, best), np.nan)


def _peak_offset(correlation: Floats, best: Index) -> Array:
    """Return where a parabola through the peak (N,) of (N, D) has its top, in [-0.5, 0.5]."""
    rows = np.arange(len(best))
    last = correlation.shape[1] - 1
    before = correlation[rows, np.maximum(best - 1, 0)]
    after = correlation[rows, np.minimum(best + 1, last)]
    curvature = 2 * correlation[rows, best] - before - after
    offset = 0.5 * (after - before) / np.maximum(curvature, 1e-6)
    return np.where((best > 0) & (best < last), np.clip(offset, -0.5, 0.5), 0.0)


def _correlate(template: Floats, target: Floats, corners: Index, shifts: Index) -> Floats:
    """Correlate windows of one image with shifted windows of the other.

    Args:
        template: (H, W) image with the keypoints.
        target: (H, W) the other image.
        corners: (N, 2) int, px (x, y) of the keypoints.
        shifts: (D,) consecutive shifts along x, px.

    Returns:
        (N, D) correlation coefficients; -1 where the window leaves the image or has no texture.
    """
    r = _SEARCH_RADIUS
    size = 2 * r + 1
    window = _cut(template, corners[:, 0] - r, corners[:, 1] - r, size, size)
    window = window - window.mean(axis=(1, 2), keepdims=True)
    length = len(shifts)
    first = corners[:, 0] + shifts.min()
    strip = _cut(target, first - r, corners[:, 1] - r, size, length + size - 1)
    strip = strip - strip.mean(axis=(1, 2), keepdims=True)  # keeps the sums of squares small
    product = np.zeros((len(corners), length), dtype=np.float32)
    total = np.zeros_like(product)
    square = np.zeros_like(product)
    column_total = strip.sum(axis=1)
    column_square = (strip * strip).sum(axis=1)
    for dx in range(size):
        total += column_total[:, dx : dx + length]
        square += column_square[:, dx : dx + length]
        for dy in range(size):
            product += window[:, dy, dx, None] * strip[:, dy, dx : dx + length]
    spread = np.maximum(square - total**2 / size**2, 0)
    energy = (window**2).sum(axis=(1, 2))[:, None] * spread
    floor = (size**2 * 0.5) ** 2
    correlation = np.where(energy > floor, product / np.sqrt(np.maximum(energy, floor)), -1)
    x = first[:, None] + np.arange(length)
    correlation[(x < r) | (x >= target.shape[1] - r)] = -1
    return correlation if shifts[0] < shifts[-1] else correlation[:, ::-1]


def _cut(image: Floats, x: Index, y: Index, height: int, width: int) -> Floats:
    """Return the windows (N, height, width) whose top-left pixels are (x, y); border repeated."""
    left, right = max(-int(x.min()), 0), max(int(x.max()) + width - image.shape[1], 0)
    top, bottom = max(-int(y.min()), 0), max(int(y.max()) + height - image.shape[0], 0)
    image = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return sliding_window_view(image, (height, width))[y + top, x + left]


def _align(left: Pixels, right: Pixels, pixels: Array, coarse: Array) -> Array:
    """Return the disparity (N,) that aligns the windows best, NaN where they do not fit."""
    start = pixels - np.column_stack([coarse, np.zeros_like(coarse)])
    found, is_found, _ = cv2.calcOpticalFlowPyrLK(
        left,
        right,
        pixels.astype(np.float32, order="C"),
        start.astype(np.float32, order="C"),
        winSize=(_ALIGN_SIZE, _ALIGN_SIZE),
        maxLevel=0,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-3),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    # The window may leave its row a little: a rectification is good to a few tenths of a pixel,
    # and on slanted edges that error would turn into a wrong disparity.
    moved = np.abs(found - start)
    fits = (moved[:, 0] < _MAX_SHIFT_PX) & (moved[:, 1] < _MAX_ROW_OFFSET_PX)
    disparity = pixels[:, 0] - found[:, 0]
    return np.where(fits & (is_found[:, 0] > 0) & (disparity > 0), disparity, np.nan)
