"""Painters of walls, floors and fabrics, irregular at every scale."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.structs import Pixels
from aliked_ros.synthetic.canvas import (
    CREAM,
    NAVY,
    PALETTE,
    TERRACOTTA,
    Painter,
    Random,
    block,
    count_on,
    grained,
    noise,
    shade,
    tinted,
)


def plaster(colour: tuple[int, int, int], stains: float = 7.0) -> Painter:
    """Return a painter of a rolled wall with stains, speckles and a few hairline cracks."""

    def paint(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
        tone = stains * noise(size, random, int(texels_per_m / 2), 4)
        canvas = tinted(colour, tone + 2.5 * noise(size, random, 4))
        for _ in range(count_on(size, texels_per_m, 0.8)):
            _crack(canvas, texels_per_m, random, colour)
        for _ in range(count_on(size, texels_per_m, 22.0)):
            _speck(canvas, texels_per_m, random, colour)
        return canvas

    return paint


def bricks(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
    """Paint courses of bricks (H, W, 3), each of its own length and tone."""
    canvas = tinted((196, 186, 172), 6 * noise(size, random, 16))
    height, width = size
    y = 0
    while y < height:
        course = int(texels_per_m * random.uniform(0.085, 0.115))
        x = -int(random.uniform(0, 0.2) * texels_per_m)
        while x < width:
            length = int(texels_per_m * random.uniform(0.13, 0.30))
            tone = random.normal(0, 16) + random.choice([-26, 0, 0, 0, 22])
            gap = max(int(texels_per_m * 0.008), 1)
            block(canvas, (x + gap, y + gap, length - 2 * gap, course - 2 * gap), TERRACOTTA, tone)
            x += length
        y += course
    return grained(canvas, random, 9.0)


def fabric(colour: tuple[int, int, int]) -> Painter:
    """Return a painter of upholstery: woven grain, seams and printed leaves."""

    def paint(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
        height, width = size
        canvas = tinted(colour, 5 * noise(size, random, int(texels_per_m / 4), 4))
        for _ in range(count_on(size, texels_per_m, 60.0)):
            centre = (int(random.integers(width)), int(random.integers(height)))
            axes = (
                int(texels_per_m * random.uniform(0.015, 0.045)),
                max(int(0.01 * texels_per_m), 1),
            )
            tone = shade(colour, random.choice([-46, 38]) + random.normal(0, 10))
            cv2.ellipse(canvas, centre, axes, random.uniform(0, 180), 0, 360, tone, -1, cv2.LINE_AA)
        for x in range(0, width, max(int(0.7 * texels_per_m), 1)):
            cv2.line(canvas, (x, 0), (x, height), shade(colour, -40), 2)
        return grained(canvas, random, 6.0)

    return paint


def rug(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
    """Paint a woven rug (H, W, 3): a patchwork of triangles inside borders."""
    height, width = size
    canvas = tinted(NAVY, 5 * noise(size, random, 8))
    cell = int(0.22 * texels_per_m)
    for y in range(cell // 2, height - cell, cell):
        for x in range(cell // 2, width - cell, cell):
            corners = np.array([[x, y], [x + cell, y], [x + cell, y + cell], [x, y + cell]])
            first = int(random.integers(4))
            for offset in (0, 2):
                chosen = corners[[(first + offset + i) % 4 for i in range(3)]]
                jitter = random.integers(-cell // 8, cell // 8 + 1, (3, 2))
                colour = shade(PALETTE[random.integers(len(PALETTE))], random.normal(-6, 14))
                cv2.fillConvexPoly(canvas, (chosen + jitter).astype(np.int32), colour, cv2.LINE_AA)
    cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), CREAM, cell // 3)
    cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), TERRACOTTA, cell // 6)
    return grained(canvas, random, 11.0)


def _crack(
    canvas: Pixels, texels_per_m: float, random: Random, colour: tuple[int, int, int]
) -> None:
    height, width = canvas.shape[:2]
    heading = random.uniform(0, 2 * np.pi) + np.cumsum(random.normal(0, 0.35, 7))
    steps = np.column_stack([np.cos(heading), np.sin(heading)]) * 0.04 * texels_per_m
    points = random.uniform((0, 0), (width, height)) + np.cumsum(steps, axis=0)
    cv2.polylines(canvas, [points.astype(np.int32)], False, shade(colour, -34), 1, cv2.LINE_AA)


def _speck(
    canvas: Pixels, texels_per_m: float, random: Random, colour: tuple[int, int, int]
) -> None:
    height, width = canvas.shape[:2]
    centre = random.uniform((0, 0), (width, height))
    corners = centre + random.normal(0, 0.012 * texels_per_m, (4, 2))
    hull = cv2.convexHull(corners.astype(np.int32))
    cv2.fillConvexPoly(canvas, hull, shade(colour, random.choice([-34, -18, 16])), cv2.LINE_AA)
