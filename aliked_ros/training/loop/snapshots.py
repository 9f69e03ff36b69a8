"""What a network under training sees, as pictures for TensorBoard."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from aliked_ros.drawing import draw_keypoints, draw_matches, tile
from aliked_ros.structs import Array, Floats, Index, Mask, Pixels


@dataclass(frozen=True, eq=False)
class Example:
    """A validation pair as the network saw it, for a picture.

    Attributes:
        images: two (H, W, 3) RGB.
        score_map: (H, W) of image 0.
        keypoints: two (N, 2) px, best first.
        matches: (K, 2).
        is_correct: (K,) bool, at 3 px.
    """

    images: tuple[Pixels, Pixels]
    score_map: Floats
    keypoints: tuple[Array, Array]
    matches: Index
    is_correct: Mask


def score_picture(example: Example) -> Pixels:
    """Return image 0 with its keypoints, beside it its score map, as one (H, W, 3) RGB."""
    levels = np.clip(255 * example.score_map, 0, 255).astype(np.uint8)
    coloured = np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[:, :, ::-1])
    keypoints = example.keypoints[0]
    ranks = -np.arange(len(keypoints), dtype=np.float64)  # best first
    return tile([draw_keypoints(example.images[0], keypoints, ranks), coloured], columns=2)


def matches_picture(example: Example) -> Pixels:
    """Return both images with a line per match, the wrong ones red, as one (H, W, 3) RGB."""
    keypoints0, keypoints1 = example.keypoints
    i, j = example.matches.T
    return draw_matches(*example.images, keypoints0[i], keypoints1[j], example.is_correct)
