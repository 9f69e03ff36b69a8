"""Keypoints, matches and tracks as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from aliked_ros.structs import Index, Mask, Pixels

Points = NDArray[np.floating[Any]]

OUTLIER, BACKGROUND = (235, 70, 60), (250, 250, 248)
_SHIFT = 4  # OpenCV draws at 1/16 px
_COLOUR_STEPS = 24
MAX_TAIL = 12  # frames
OLD_AGE = 40  # frames after which a track's colour no longer changes
# From cold to warm, all bright enough to show on a dark image.
_RAMP = np.array([[58, 134, 255], [38, 198, 218], [102, 220, 110], [255, 214, 40], [255, 122, 48]])


def draw_keypoints(image: Pixels, keypoints: Points, scores: Points) -> Pixels:
    """Return a copy of the image with a dot per keypoint, dark for low scores, bright for high.

    Args:
        image: (H, W) grey or (H, W, 3) RGB, uint8.
        keypoints: (N, 2) px.
        scores: (N,), any range; colours follow their rank.
    """
    canvas = to_rgb(image)
    ranks = np.argsort(np.argsort(scores)) / max(len(scores) - 1, 1)
    _dots(canvas, keypoints, _colours(ranks))
    return canvas


def draw_matches(
    image0: Pixels,
    image1: Pixels,
    keypoints0: Points,
    keypoints1: Points,
    inlier_mask: Mask | None = None,
) -> Pixels:
    """Return both images side by side with a line per match.

    Args:
        image0: (H0, W0[, 3]) uint8.
        image1: (H1, W1[, 3]) uint8.
        keypoints0: (K, 2) px in image 0, row by row the partners of keypoints1.
        keypoints1: (K, 2) px in image 1.
        inlier_mask: (K,) bool: inliers get a colour by their place in image 0 and lie on top,
            outliers are thin and red. None: all are inliers.
    """
    gap = max(image0.shape[1] // 80, 4)
    height = max(image0.shape[0], image1.shape[0])
    offset = image0.shape[1] + gap
    canvas = np.full((height, offset + image1.shape[1], 3), BACKGROUND, np.uint8)
    canvas[: image0.shape[0], : image0.shape[1]] = to_rgb(image0)
    canvas[: image1.shape[0], offset:] = to_rgb(image1)
    start = keypoints0.astype(np.float64)
    end = keypoints1 + np.array([offset, 0.0])
    is_inlier = np.ones(len(start), bool) if inlier_mask is None else inlier_mask
    # Neighbours share a colour, so that a line that crosses over to another part stands out.
    places = (start[:, 0] / image0.shape[1] + start[:, 1] / image0.shape[0]) / 2
    colours = _colours(places)
    colours[~is_inlier] = OUTLIER
    lines = np.stack([start, end], axis=1)
    # The more lines, the more transparent, so that the images stay visible.
    opacity = float(np.clip(60.0 / max(len(lines), 1), 0.4, 0.9))
    for chosen, share in ((~is_inlier, 0.6), (is_inlier, 1.0)):
        _lines(canvas, lines[chosen], colours[chosen], opacity * share)
    for points in (start, end):
        _dots(canvas, points, colours)
    return canvas


def draw_tracks(
    image: Pixels,
    paths: Points,
    ages: Index,
    inlier_mask: Mask | None = None,
) -> Pixels:
    """Return a copy of the image with each track's head and a tail that fades into the past.

    Args:
        image: (H, W) grey or (H, W, 3) RGB, uint8.
        paths: (N, L, 2) px, newest first; NaN before a track began.
        ages: (N,) frames since each track began; young tracks are blue, old ones yellow.
        inlier_mask: (N,) bool; outliers are red and have no tail. None: all are inliers.
    """
    canvas = to_rgb(image)
    if len(paths) == 0:
        return canvas
    is_inlier = np.ones(len(paths), bool) if inlier_mask is None else inlier_mask
    colours = _colours(ages / OLD_AGE)
    colours[~is_inlier] = OUTLIER
    length = paths.shape[1]
    tail_width = max(round(canvas.shape[0] / 400), 1)
    for step in range(length - 1, 0, -1):
        segments = paths[:, step - 1 : step + 1]
        shown = is_inlier & np.isfinite(segments).all(axis=(1, 2))
        _lines(canvas, segments[shown], colours[shown], (1 - step / length) ** 0.7, tail_width)
    _dots(canvas, paths[~is_inlier, 0], colours[~is_inlier])
    _dots(canvas, paths[is_inlier, 0], colours[is_inlier])
    return canvas


class TrackTails:
    """Remembers where tracks were, for draw_tracks."""

    def __init__(self, length: int = MAX_TAIL) -> None:
        """Keep this many frames."""
        self._length = length
        self._history: list[tuple[Index, Points]] = []  # newest first, ids in order
        self._ages = np.zeros(0, np.int64)

    def update(self, track_ids: Index, keypoints: Points) -> None:
        """Take in a frame: (N,) unique track ids and (N, 2) px."""
        order = np.argsort(track_ids)
        ids, points = track_ids[order], keypoints[order].astype(np.float64)
        ages = np.zeros(len(ids), np.int64)
        if self._history:
            found, where = _find(self._history[0][0], ids)
            ages[found] = self._ages[where[found]] + 1
        self._ages = ages
        self._history = [(ids, points), *self._history][: self._length]

    def paths(self) -> tuple[Index, Points, Index]:
        """Return ids (N,), paths (N, L, 2) and ages (N,) of the newest frame's tracks, by id."""
        if not self._history:
            return np.zeros(0, np.int64), np.zeros((0, 1, 2)), np.zeros(0, np.int64)
        ids = self._history[0][0]
        paths = np.full((len(ids), len(self._history), 2), np.nan)
        for step, (past_ids, points) in enumerate(self._history):
            found, where = _find(past_ids, ids)
            paths[found, step] = points[where[found]]
        return ids, paths, self._ages


def tile(images: Sequence[Pixels], columns: int) -> Pixels:
    """Return images (H, W) or (H, W, 3) of one size in rows, as one (H', W', 3) RGB."""
    height, width = images[0].shape[:2]
    gap = max(width // 100, 2)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    canvas = np.full(shape, BACKGROUND, np.uint8)
    for index, image in enumerate(images):
        y, x = (index // columns) * (height + gap), (index % columns) * (width + gap)
        canvas[y : y + height, x : x + width] = to_rgb(image)
    return canvas


def to_rgb(image: Pixels) -> Pixels:
    """Return a copy of a grey or RGB image as (H, W, 3)."""
    if image.ndim == 3:
        return image.copy()
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)


def _find(sorted_ids: Index, wanted: Index) -> tuple[Mask, Index]:
    """Return which wanted ids occur, (N,) bool, and where, (N,) positions."""
    if len(sorted_ids) == 0:
        return np.zeros(len(wanted), bool), np.zeros(len(wanted), np.int64)
    where = np.minimum(np.searchsorted(sorted_ids, wanted), len(sorted_ids) - 1)
    return sorted_ids[where] == wanted, where.astype(np.int64)


def _colours(values: Points) -> Pixels:
    """Return (N, 3) RGB of values in [0, 1], cold to warm in a limited number of steps."""
    steps = np.round(np.clip(values, 0, 1) * (_COLOUR_STEPS - 1)) / (_COLOUR_STEPS - 1)
    stops = np.linspace(0, 1, len(_RAMP))
    channels = [np.interp(steps, stops, _RAMP[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def _lines(
    canvas: Pixels, lines: Points, colours: Pixels, opacity: float, thickness: int = 1
) -> None:
    """Blend (N, 2, 2) px line segments into the canvas."""
    if len(lines) == 0:
        return
    over = canvas.copy()
    for colour, chosen in _by_colour(colours):
        cv2.polylines(over, _fixed(lines[chosen]), False, colour, thickness, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(over, opacity, canvas, 1 - opacity, 0, canvas)


def _dots(canvas: Pixels, points: Points, colours: Pixels) -> None:
    """Draw (N, 2) px as coloured dots with a dark rim, in proportion to the canvas."""
    if len(points) == 0:
        return
    size = canvas.shape[0] / 480
    circle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    rim = np.column_stack([np.cos(circle), np.sin(circle)]) * max(size, 1.0)  # (8, 2)
    # Closed octagons with a thick stroke are dots, and OpenCV takes thousands in one call.
    outlines = points[:, None] + rim  # (N, 8, 2)
    thickness = max(round(2 * size), 2)
    cv2.polylines(canvas, _fixed(outlines), True, (22, 22, 26), thickness + 2, cv2.LINE_AA, _SHIFT)
    for colour, chosen in _by_colour(colours):
        dots = _fixed(outlines[chosen])
        cv2.polylines(canvas, dots, True, colour, thickness, cv2.LINE_AA, _SHIFT)


def _fixed(lines: Points) -> list[NDArray[np.int32]]:
    """Return lines (N, M, 2) px in OpenCV's fixed point."""
    return list(np.round(lines * 2**_SHIFT).astype(np.int32))


def _by_colour(
    colours: Pixels,
) -> list[tuple[tuple[int, int, int], Mask]]:
    """Return each colour that occurs with the mask of its rows."""
    return [
        ((int(colour[0]), int(colour[1]), int(colour[2])), (colours == colour).all(axis=1))
        for colour in np.unique(colours, axis=0)
    ]
