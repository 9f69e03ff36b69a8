"""Images under known changes of geometry and light, each with its homography."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from aliked_ros.structs import Array, Pixels

_LARGEST_TURN_DEG = 30.0


def scaling(factor_x: float, factor_y: float) -> Array:
    """Return the homography (3, 3) of a resize: u goes to (u + 0.5) * factor - 0.5, px."""
    return np.array(
        [[factor_x, 0, 0.5 * factor_x - 0.5], [0, factor_y, 0.5 * factor_y - 0.5], [0, 0, 1.0]]
    )


def resize(image: Pixels, longer_side_px: int) -> tuple[Pixels, Array]:
    """Return an image, (H, W) or (H, W, 3), shrunk until it fits, and its homography (3, 3).

    An image that fits, and every image at 0, stays as it is.
    """
    height, width = image.shape[:2]
    if longer_side_px <= 0 or max(height, width) <= longer_side_px:
        return image, np.eye(3)
    factor = longer_side_px / max(height, width)
    return shrink(image, factor)


def shrink(image: Pixels, factor: float) -> tuple[Pixels, Array]:
    """Return an image, (H, W) or (H, W, 3), at a factor <= 1, and its homography (3, 3)."""
    height, width = image.shape[:2]
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    smaller = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return smaller, scaling(size[0] / width, size[1] / height)


def random_view(generator: np.random.Generator, image_size: tuple[int, int]) -> Array:
    """Return H_1_0 (3, 3) that shows a turned, slanted part of image 0 in a frame of its size.

    The part lies inside image 0, so that image 1 has no empty corners.
    """
    height, width = image_size
    frame = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
    centre = frame.mean(axis=0)
    angle = np.radians(generator.uniform(-_LARGEST_TURN_DEG, _LARGEST_TURN_DEG))
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = 1 - generator.uniform(0, 0.35, (4, 2))
    part = ((frame - centre) * slant) @ R.T
    # The largest size at which the turned part still fits, and a random place for it.
    factor = min(0.95, float((centre / np.abs(part).max(axis=0)).min()))
    part = part * (factor * generator.uniform(0.85, 1.0))
    part += generator.uniform(-part.min(axis=0), 2 * centre - part.max(axis=0))
    return cv2.getPerspectiveTransform(part.astype(np.float32), frame.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Change:
    """One way to make an image harder, by degrees.

    Attributes:
        name: short name, as in file names.
        axis: what the degrees measure, with unit.
        levels: the degrees of a curve.
        apply: image (H, W, 3) and degree -> changed image and its H_1_0 (3, 3).
        is_reversed: whether larger degrees are easier.
    """

    name: str
    axis: str
    levels: tuple[float, ...]
    apply: Callable[[Pixels, float], tuple[Pixels, Array]]
    is_reversed: bool = False


def rotate(image: Pixels, angle_deg: float) -> tuple[Pixels, Array]:
    """Turn (H, W, 3) about its centre, anticlockwise as seen; the frame grows to hold all."""
    height, width = image.shape[:2]
    centre = ((width - 1) / 2, (height - 1) / 2)
    A = cv2.getRotationMatrix2D(centre, angle_deg, 1.0)
    cosine, sine = abs(A[0, 0]), abs(A[0, 1])
    new_width = round(width * cosine + height * sine)
    new_height = round(height * cosine + width * sine)
    A[:, 2] += (new_width - 1) / 2 - centre[0], (new_height - 1) / 2 - centre[1]
    turned = cv2.warpAffine(image, A, (new_width, new_height), flags=cv2.INTER_LINEAR)
    return turned, np.vstack([A, [0, 0, 1]])


def scale_down(image: Pixels, ratio: float) -> tuple[Pixels, Array]:
    """Shrink (H, W, 3) by a ratio of at least 1."""
    return shrink(image, 1 / ratio)


def brighten(image: Pixels, gain: float) -> tuple[Pixels, Array]:
    """Multiply (H, W, 3) by a gain and clip."""
    return _through_levels(image, gain * np.arange(256))


def apply_gamma(image: Pixels, gamma: float) -> tuple[Pixels, Array]:
    """Raise values of (H, W, 3), as in [0, 1], to a power: above 1 is darker."""
    return _through_levels(image, 255 * (np.arange(256) / 255) ** gamma)


def _through_levels(image: Pixels, levels: Array) -> tuple[Pixels, Array]:
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)[image], np.eye(3)


def blur(image: Pixels, sigma_px: float) -> tuple[Pixels, Array]:
    """Blur (H, W, 3) with a Gaussian."""
    if sigma_px <= 0:
        return image, np.eye(3)
    return cv2.GaussianBlur(image, (0, 0), sigma_px), np.eye(3)


def add_noise(image: Pixels, sigma: float) -> tuple[Pixels, Array]:
    """Add Gaussian noise in grey values to (H, W, 3), the same at every call."""
    noise = np.random.default_rng(0).normal(0, 1, image.shape) * sigma
    return np.clip(np.round(image + noise), 0, 255).astype(np.uint8), np.eye(3)


def compress(image: Pixels, quality: float) -> tuple[Pixels, Array]:
    """Encode (H, W, 3) as JPEG and decode."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.eye(3)


CHANGES = (
    Change("rotation", "in-plane rotation [deg]", tuple(range(0, 181, 15)), rotate),
    Change("scale", "scale ratio", (1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4), scale_down),
    Change("brightness", "gain of the grey values", (0.1, 0.25, 0.5, 1, 1.5, 2, 3), brighten),
    Change("gamma", "gamma", (0.25, 0.4, 0.6, 1, 1.6, 2.5, 4), apply_gamma),
    Change("blur", "standard deviation of the blur [px]", (0, 0.5, 1, 1.5, 2, 3, 4), blur),
    Change("noise", "standard deviation of the noise [grey values]", (0, 5, 10, 20, 30, 45, 60),
           add_noise),
    Change("jpeg", "JPEG quality", (95, 70, 50, 30, 20, 10, 5), compress, True),
)  # fmt: skip
