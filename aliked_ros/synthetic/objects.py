"""Painters of things: prints, windows, books, drawers."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.structs import Pixels
from aliked_ros.synthetic.canvas import (
    CHARCOAL,
    CREAM,
    FOREST,
    MUSTARD,
    PALETTE,
    SKY,
    WALNUT,
    Random,
    add_tone,
    block,
    grained,
    noise,
    shade,
    tinted,
)


def poster(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
    """Paint an abstract print (H, W, 3): discs, bars and triangles inside a white margin."""
    height, width = size
    ground = PALETTE[random.integers(len(PALETTE))]
    canvas = tinted(ground, 3 * noise(size, random, 32))
    for _ in range(int(random.integers(14, 24))):
        colour = shade(PALETTE[random.integers(len(PALETTE))], random.normal(0, 14))
        _shape(canvas, colour, random, min(size) * 0.24)
    margin = int(0.07 * min(size))
    cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), (238, 234, 226), 2 * margin)
    cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), CHARCOAL, max(margin // 2, 1))
    return canvas


def window(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
    """Paint a view (H, W, 3): sky with clouds, hills with trees, behind glazing bars."""
    height, width = size
    canvas = tinted(SKY, 9 * noise(size, random, max(min(size) // 3, 8), 8))
    canvas = add_tone(canvas, np.linspace(34, -4, height, dtype=np.float32)[:, None])
    for layer, colour in enumerate(((128, 152, 140), (98, 130, 96), (66, 100, 62))):
        ridge = (
            height * (0.52 + 0.14 * layer)
            + height * 0.05 * noise((1, width), random, width // 3)[0]
        )
        outline = np.column_stack(
            [
                np.arange(width),
                ridge,
            ]
        ).astype(np.int32)
        corners = np.array([[width - 1, height - 1], [0, height - 1]], np.int32)
        cv2.fillPoly(canvas, [np.vstack([outline, corners])], colour, cv2.LINE_AA)
        for x in random.integers(0, width, 18):
            radius = int(height * random.uniform(0.01, 0.03)) + 1
            tree = shade(colour, random.normal(-16, 10))
            cv2.circle(canvas, (int(x), int(ridge[x])), radius, tree, -1, cv2.LINE_AA)
    bar = max(int(0.02 * texels_per_m), 2)
    for x in (0, int(width * 0.5), width - 1):
        cv2.line(canvas, (x, 0), (x, height), (236, 232, 224), 2 * bar)
    for y in (0, int(height * 0.38), height - 1):
        cv2.line(canvas, (0, y), (width, y), (236, 232, 224), 2 * bar)
    return canvas


def books(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
    """Paint a full bookcase (H, W, 3): shelves, spines with titles, a few gaps."""
    height, width = size
    canvas = tinted(shade(WALNUT, -50), 4 * noise(size, random, 16))
    board = max(int(0.025 * texels_per_m), 2)
    shelf = height / max(round(height / (0.34 * texels_per_m)), 1)
    for level in range(round(height / shelf)):
        top, bottom = int(level * shelf) + board, int((level + 1) * shelf) - board // 2
        x = board
        while x < width - board:
            thickness = max(int(texels_per_m * random.uniform(0.018, 0.055)), 3)
            if random.random() > 0.07:
                spine = int((bottom - top) * random.uniform(0.62, 0.95))
                _book(canvas, (x, bottom - spine, min(thickness, width - board - x), spine), random)
            x += thickness
        cv2.rectangle(canvas, (0, bottom), (width, bottom + board), WALNUT, -1)
    cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), WALNUT, 2 * board)
    return grained(canvas, random, 3.0)


def drawers(size: tuple[int, int], texels_per_m: float, random: Random) -> Pixels:
    """Paint the front (H, W, 3) of a chest of drawers with brass handles."""
    height, width = size
    canvas = tinted(FOREST, 4 * noise(size, random, int(texels_per_m / 3), 4))
    rows = max(round(height / (0.24 * texels_per_m)), 1)
    columns = max(round(width / (0.5 * texels_per_m)), 1)
    for row in range(rows):
        for column in range(columns):
            x, y = column * width // columns, row * height // rows
            box = (x + 3, y + 3, width // columns - 6, height // rows - 6)
            block(canvas, box, FOREST, random.normal(6, 7))
            centre = (box[0] + box[2] // 2, box[1] + box[3] // 2)
            axes = (max(box[2] // 9, 2), max(box[3] // 14, 1))
            cv2.ellipse(canvas, centre, axes, 0, 0, 360, MUSTARD, -1, cv2.LINE_AA)
    return grained(canvas, random, 4.0)


def _shape(canvas: Pixels, colour: tuple[int, int, int], random: Random, largest: float) -> None:
    """Draw one disc, half disc, bar or triangle."""
    height, width = canvas.shape[:2]
    centre = (int(random.integers(width)), int(random.integers(height)))
    radius = int(largest * random.uniform(0.2, 1.0)) + 2
    angle = float(random.choice([0, 45, 90, 135, 180, 270]))
    kind = int(random.integers(4))
    if kind == 0:
        cv2.circle(canvas, centre, radius, colour, -1, cv2.LINE_AA)
    elif kind == 1:
        cv2.ellipse(canvas, centre, (radius, radius), angle, 0, 180, colour, -1, cv2.LINE_AA)
    else:
        sides = kind + 1
        turn = np.radians(angle) + np.arange(sides) * 2 * np.pi / sides
        stretch = np.array([1.0, 1.0 if kind == 2 else random.uniform(0.2, 1.0)])
        corners = np.column_stack([np.cos(turn), np.sin(turn)]) * stretch * radius + centre
        cv2.fillConvexPoly(canvas, corners.astype(np.int32), colour, cv2.LINE_AA)


def _book(canvas: Pixels, box: tuple[int, int, int, int], random: Random) -> None:
    x, y, width, height = box
    colour = PALETTE[random.integers(len(PALETTE))]
    tone = float(random.normal(-8, 16))
    block(canvas, box, colour, tone)
    for fraction in random.uniform(0.08, 0.9, int(random.integers(1, 4))):
        level = y + int(fraction * height)
        band = shade(CREAM if tone < 0 else CHARCOAL, random.normal(0, 12))
        thickness = max(int(height * random.uniform(0.01, 0.05)), 1)
        cv2.rectangle(canvas, (x + 1, level), (x + width - 2, level + thickness), band, -1)
