"""What differs between two photographs of one place besides geometry: light, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.structs import Mask, Pixels

Random = np.random.Generator


def change_light(image: Pixels, random: Random, strength: float) -> Pixels:
    """Return the image (H, W, 3) under another light: gamma, contrast, colour, a soft shadow."""
    contrast = 1 + strength * random.uniform(-0.4, 0.4)
    gain = 1 + strength * random.uniform(-0.12, 0.12, 3)  # of red, green and blue
    gamma = np.exp(strength * random.uniform(-0.4, 0.4))
    offset = strength * random.uniform(-0.12, 0.12)
    levels = (np.arange(256) / 255) ** gamma
    curves = 255 * ((levels[:, None] - 0.5) * contrast * gain + 0.5 + offset)  # (256, 3)
    lit = cv2.LUT(image, np.clip(np.round(curves), 0, 255).astype(np.uint8)[None])
    if random.uniform() < 0.3 * strength:
        lit = _shade(lit, random, strength)
    if random.uniform() < 0.15 * strength:
        lit = np.repeat(cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
    return lit


def _shade(image: Pixels, random: Random, strength: float) -> Pixels:
    """Darken the image on one side of a soft line."""
    height, width = image.shape[:2]
    angle = random.uniform(0, 2 * np.pi)
    across = np.cos(angle) * np.linspace(-1, 1, width) + (
        np.sin(angle) * np.linspace(-1, 1, height)[:, None]
    )
    edge = 1 / (1 + np.exp(-(across - random.uniform(-0.7, 0.7)) * random.uniform(3, 40)))
    light = 1 - strength * random.uniform(0.1, 0.5) * edge
    return (image * light[:, :, None]).astype(np.uint8)


def degrade(image: Pixels, random: Random, strength: float) -> Pixels:
    """Return (H, W, 3) as a poorer camera would have taken it: blur, noise, compression."""
    if random.uniform() < 0.25 * strength:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.5))
    elif random.uniform() < 0.15 * strength:
        image = _move(image, random)
    if random.uniform() < 0.5 * strength:
        sigma = random.uniform(1, 12)
        noisy = image + random.normal(0, sigma, image.shape).astype(np.float32)
        image = np.clip(noisy, 0, 255).astype(np.uint8)
    if random.uniform() < 0.25 * strength:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 90))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image


def _move(image: Pixels, random: Random) -> Pixels:
    """Blur along a short line, as a camera that moves while the shutter is open."""
    length = int(random.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    angle = random.uniform(0, np.pi)
    middle = (length - 1) / 2
    for step in np.linspace(-middle, middle, 2 * length):
        x, y = middle + step * np.cos(angle), middle + step * np.sin(angle)
        kernel[round(y), round(x)] = 1
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def occlude(image: Pixels, random: Random, strength: float) -> tuple[Pixels, Mask]:
    """Put a few flat things into an image (H, W, 3); return it and where they are (H, W)."""
    height, width = image.shape[:2]
    cover = np.zeros((height, width), np.uint8)
    image = image.copy()
    num_things = int(random.integers(1, 4)) if random.uniform() < 0.3 * strength else 0
    for _ in range(num_things):
        centre = random.uniform((0, 0), (width, height))
        radius = random.uniform(0.04, 0.16) * min(height, width)
        angles = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(3, 9))))
        corners = centre + radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)
        colour = tuple(int(level) for level in random.integers(0, 256, 3))
        corners_px = np.round(corners).astype(np.int32)
        cv2.fillPoly(image, [corners_px], colour)
        cv2.fillPoly(cover, [corners_px], 1)
    return image, cover.astype(bool)


def change_appearance(image: Pixels, generator: np.random.Generator, *, strength: float) -> Pixels:
    """Return an image as a worse camera in other light sees it; nothing moves."""
    return degrade(change_light(image, generator, strength), generator, strength)
