"""What every painter of a surface uses: colours, noise, tones, bevelled blocks."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from aliked_ros.structs import AnyArray, Floats, Pixels

Random = np.random.Generator
# Every painter takes (height, width) in texels, texels per metre and a random generator, and
# returns an (H, W, 3) RGB texture.
Painter = Callable[[tuple[int, int], float, Random], Pixels]

WARM_WHITE, TEAL, OAK, WALNUT = (226, 217, 200), (104, 142, 143), (178, 132, 86), (118, 78, 50)
TERRACOTTA, MUSTARD, NAVY, CREAM = (186, 92, 62), (214, 164, 62), (44, 62, 96), (240, 230, 205)
ROSE, FOREST, CHARCOAL, SKY = (196, 124, 120), (70, 104, 78), (62, 60, 64), (142, 184, 214)
PALETTE = (TERRACOTTA, MUSTARD, NAVY, CREAM, ROSE, FOREST, CHARCOAL, SKY, TEAL)


def noise(size: tuple[int, int], random: Random, coarsest: int, finest: int = 2) -> Floats:
    """Return (H, W) float32 noise of unit spread, grain from coarsest to finest texels."""
    height, width = size
    total = np.zeros(size, np.float32)
    weight, grain = 1.0, coarsest
    while grain >= finest:
        grid = random.standard_normal((height // grain + 3, width // grain + 3))
        scaled = cv2.resize(
            grid.astype(np.float32),
            ((width // grain + 3) * grain, (height // grain + 3) * grain),
            interpolation=cv2.INTER_CUBIC,
        )
        total += np.float32(weight) * scaled[grain : grain + height, grain : grain + width]
        weight, grain = weight * 0.7, grain // 2
    return total / np.float32(total.std() + 1e-6)


def shade(colour: tuple[int, int, int], tone: float) -> tuple[int, int, int]:
    """Return a colour made lighter (tone > 0) or darker."""
    red, green, blue = (int(np.clip(channel + tone, 0, 255)) for channel in colour)
    return red, green, blue


def tinted(colour: tuple[int, int, int], tone: Floats) -> Pixels:
    """Return a canvas of one colour with an (H, W) tone added to every channel."""
    return add_tone(np.broadcast_to(np.array(colour, np.uint8), (*tone.shape, 3)), tone)


def add_tone(canvas: Pixels, tone: Floats) -> Pixels:
    """Return the canvas with an (H, W) or broadcastable tone added to every channel."""
    return clipped(canvas + tone[:, :, None])


def grained(canvas: Pixels, random: Random, strength: float) -> Pixels:
    """Return the canvas (H, W, 3) with fine grain."""
    return add_tone(canvas, strength * noise((canvas.shape[0], canvas.shape[1]), random, 4))


def count_on(size: tuple[int, int], texels_per_m: float, per_m2: float) -> int:
    """Return how many things lie on a surface at a density per square metre."""
    return int(size[0] * size[1] / texels_per_m**2 * per_m2)


def block(
    canvas: Pixels, box: tuple[int, int, int, int], colour: tuple[int, int, int], tone: float
) -> None:
    """Fill (x, y, width, height) of a canvas with a bevelled tone of a colour."""
    x, y, width, height = box
    if width < 2 or height < 2:
        return
    right, bottom = x + width - 1, y + height - 1
    cv2.rectangle(canvas, (x, y), (right, bottom), shade(colour, tone), -1)
    cv2.line(canvas, (x, y), (right, y), shade(colour, tone + 14), 1)
    cv2.line(canvas, (x, bottom), (right, bottom), shade(colour, tone - 30), 1)
    cv2.line(canvas, (right, y), (right, bottom), shade(colour, tone - 22), 1)


def clipped(values: AnyArray) -> Pixels:
    """Return values (...) as colours, uint8, cut off at black and white."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)
