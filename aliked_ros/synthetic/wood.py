"""Painters of wood: boards, and crates made of them."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.structs import Pixels
from aliked_ros.synthetic.canvas import (
    CHARCOAL,
    Painter,
    Random,
    add_tone,
    block,
    count_on,
    noise,
    shade,
    tinted,
)


def planks(colour: tuple[int, int, int], width_m: float, *, upright: bool = False) -> Painter:
    """Return a painter of boards of varying length and tone, along the rows or upright."""

    def paint(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
        if upright:
            turned = planks(colour, width_m)((size[1], size[0]), texels_per_m, random)
            return np.ascontiguousarray(turned.transpose(1, 0, 2))
        canvas = tinted(colour, 0 * noise(size, random, 8))
        height, width = size
        y = 0
        while y < height:
            board = int(texels_per_m * width_m * random.uniform(0.8, 1.2))
            x = -int(random.uniform(0, 1.2) * texels_per_m)
            while x < width:
                length = int(texels_per_m * random.uniform(0.7, 1.8))
                block(canvas, (x, y, length - 1, board - 1), colour, random.normal(0, 15))
                x += length
            y += board
        grain = cv2.resize(
            noise((height, max(width // 24, 1)), random, 8),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        _knots(canvas, texels_per_m, random, colour)
        return add_tone(canvas, 9 * grain)

    return paint


def crate(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
    """Paint a wooden crate (H, W, 3): boards, a frame, nails and a stencilled label."""
    height, width = size
    canvas: Pixels = planks((196, 160, 112), 0.09)(size, texels_per_m, random)
    edge = max(int(0.05 * texels_per_m), 2)
    cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), (158, 122, 80), 2 * edge)
    for x in (edge // 2, width - 1 - edge // 2):
        for y in range(edge // 2, height, 2 * edge):
            cv2.circle(canvas, (x, y), max(edge // 6, 1), CHARCOAL, -1, cv2.LINE_AA)
    letters = "".join(random.choice(list("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"), 5))
    scale = width / 150.0
    origin = (int(width * 0.2), int(height * 0.6))
    thickness = max(round(2 * scale), 1)
    cv2.putText(
        canvas, letters, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, CHARCOAL, thickness, cv2.LINE_AA
    )
    return canvas


def _knots(
    canvas: Pixels, texels_per_m: float, random: Random, colour: tuple[int, int, int]
) -> None:
    height, width = canvas.shape[:2]
    for _ in range(count_on((height, width), texels_per_m, 4.0)):
        centre = (int(random.integers(width)), int(random.integers(height)))
        radius = texels_per_m * random.uniform(0.006, 0.016)
        axes = (int(radius * 1.6) + 1, int(radius) + 1)
        cv2.ellipse(canvas, centre, axes, 0, 0, 360, shade(colour, -52), -1, cv2.LINE_AA)
