"""A rectified pair -> disparity at the left keypoints, by a search along the row."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from aliked_ros.config import StereoConfig

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SEARCH_RADIUS = 3  # half-resolution px: the search compares windows of 7x7
_ALIGN_RADIUS = 5  # px: the alignment compares windows of 11x11
_MAX_SHIFT = 3  # px that the alignment may move away from the answer of the search
_NUM_ALIGNMENTS = 6


def match_along_rows(
    left: NDArray[np.uint8], right: NDArray[np.uint8], pixels: Array, config: StereoConfig
) -> Array:
    """Measure the disparity of keypoints of the left image.

    Zero-mean normalised cross-correlation at half resolution over the whole range, accepted only
    where the peak is high, unique and found again from the right image; then an alignment of
    gradients along the row (Lucas-Kanade) at full resolution, which gives the sub-pixel part.

    Args:
        left: (H, W) grey rectified left image.
        right: (H, W) grey rectified right image.
        pixels: (N, 2) px in the rectified left image; NaN where unknown.
        config: the range of the search and when to trust it.

    Returns:
        (N,) disparity x_left - x_right, px; NaN where ambiguous, hidden or outside the images.
    """
    height, width = left.shape
    disparity = np.full(len(pixels), np.nan)
    inside = (pixels >= 0).all(axis=1) & (pixels <= [width - 1, height - 1]).all(axis=1)
    index = np.flatnonzero(inside)
    if len(index):
        coarse = _search(_halve(left), _halve(right), pixels[index] / 2 - 0.25, config)
        index, coarse = index[np.isfinite(coarse)], coarse[np.isfinite(coarse)]
        disparity[index] = _align(left, right, pixels[index], 2 * coarse, config)
    return disparity


def _halve(image: NDArray[np.uint8]) -> Floats:
    size = (image.shape[1] // 2, image.shape[0] // 2)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


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
    trusted = (peak > config.min_correlation) & (second < peak - config.min_margin)

    back_corners = corners - np.column_stack([best, np.zeros_like(best)])
    back = _correlate(right, left, back_corners[trusted], np.arange(num_disparities))
    agrees = np.abs(back.argmax(axis=1) - best[trusted]) <= 1
    trusted[trusted] = agrees

    return np.where(trusted, best + _peak_offset(correlation, best), np.nan)


def _peak_offset(correlation: Floats, best: NDArray[np.int64]) -> Array:
    """Return where a parabola through the peak (N,) of (N, D) has its top, in [-0.5, 0.5]."""
    rows = np.arange(len(best))
    last = correlation.shape[1] - 1
    before = correlation[rows, np.maximum(best - 1, 0)]
    after = correlation[rows, np.minimum(best + 1, last)]
    curvature = 2 * correlation[rows, best] - before - after
    offset = 0.5 * (after - before) / np.maximum(curvature, 1e-6)
    return np.where((best > 0) & (best < last), np.clip(offset, -0.5, 0.5), 0.0)


def _correlate(
    template: Floats, target: Floats, corners: NDArray[np.int64], shifts: NDArray[np.int64]
) -> Floats:
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


def _cut(
    image: Floats, x: NDArray[np.int64], y: NDArray[np.int64], height: int, width: int
) -> Floats:
    """Return the windows (N, height, width) whose top-left pixels are (x, y); border repeated."""
    left, right = max(-int(x.min()), 0), max(int(x.max()) + width - image.shape[1], 0)
    top, bottom = max(-int(y.min()), 0), max(int(y.max()) + height - image.shape[0], 0)
    image = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return np.asarray(sliding_window_view(image, (height, width))[y + top, x + left])


def _align(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    pixels: Array,
    coarse: Array,
    config: StereoConfig,
) -> Array:
    """Return the disparity (N,) that aligns the windows best, NaN where they do not fit."""
    r, margin = _ALIGN_RADIUS, _MAX_SHIFT + 1
    size = 2 * r + 1
    x, y = np.floor(pixels).astype(np.int64).T
    x_fraction, y_fraction = (pixels - np.floor(pixels)).astype(np.float32).T[:, :, None, None]
    left_window = _cut(left.astype(np.float32), x - r - 1, y - r, size + 1, size + 3)
    left_window = _blend(left_window, y_fraction, axis=1)
    left_window = _blend(left_window, x_fraction, axis=2)  # (N, size, size + 2)
    gradient = (left_window[:, :, 2:] - left_window[:, :, :-2]) / 2
    template = left_window[:, :, 1:-1]

    x_right = pixels[:, 0] - coarse
    first = np.floor(x_right).astype(np.int64) - r - margin
    strip = _cut(right.astype(np.float32), first, y - r, size + 1, size + 2 * margin + 1)
    strip = _blend(strip, y_fraction, axis=1)
    weights = _gaussian(size)
    gradient = gradient - _mean(gradient, weights)
    information = (weights * gradient**2).sum(axis=(1, 2))
    offset = x_right - first - r  # of the window in the strip, px
    start = offset.copy()
    template = template - _mean(template, weights)
    for _ in range(_NUM_ALIGNMENTS):
        window = _sample(strip, offset, size)
        window = window - _mean(window, weights)
        error = (weights * gradient * (template - window)).sum(axis=(1, 2))
        offset = np.clip(offset + error / np.maximum(information, 1e-6), start - 3, start + 3)
    window = _sample(strip, offset, size)
    window = window - _mean(window, weights)
    correlation = (weights * template * window).sum(axis=(1, 2)) / np.sqrt(
        np.maximum((weights * template**2).sum(axis=(1, 2)), 1e-6)
        * np.maximum((weights * window**2).sum(axis=(1, 2)), 1e-6)
    )
    disparity = pixels[:, 0] - (offset + first + r)
    fits = (correlation > config.min_correlation) & (np.abs(offset - start) < _MAX_SHIFT)
    return np.where(fits & (disparity > 0), disparity, np.nan)


def _gaussian(size: int) -> Floats:
    kernel = cv2.getGaussianKernel(size, size / 4)
    return np.asarray(kernel @ kernel.T, dtype=np.float32)


def _mean(windows: Floats, weights: Floats) -> Floats:
    return np.asarray((windows * weights).sum(axis=(1, 2), keepdims=True))


def _blend(windows: Floats, fraction: Floats, axis: int) -> Floats:
    """Interpolate windows at a fraction of a pixel along an axis, which gets shorter by one."""
    if axis == 1:
        return (1 - fraction) * windows[:, :-1] + fraction * windows[:, 1:]
    return (1 - fraction) * windows[:, :, :-1] + fraction * windows[:, :, 1:]


def _sample(strip: Floats, offset: Array, size: int) -> Floats:
    """Return the windows (N, h, size) of strips (N, h, w) that begin at a fractional column."""
    whole = np.floor(offset).astype(np.int64)
    windows = sliding_window_view(strip, size + 1, axis=2)  # (N, h, w - size, size + 1)
    window = windows[np.arange(len(strip)), :, whole]  # (N, h, size + 1)
    return _blend(window, (offset - whole).astype(np.float32)[:, None, None], axis=2)
