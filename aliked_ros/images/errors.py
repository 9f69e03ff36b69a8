"""The error of an image that cannot be decoded."""

from __future__ import annotations


class ImageError(ValueError):
    """An image that cannot be decoded; the text names the field, its value and the remedy."""


def check_pixels(width: int, height: int, max_megapixels: float) -> None:
    """Raise ImageError if an image has more pixels than are allowed; 0: any number is."""
    if max_megapixels > 0 and width * height > max_megapixels * 1e6:
        raise ImageError(
            f"image is {width}x{height}, {width * height * 1e-6:.1f} megapixels, max_megapixels is "
            f"{max_megapixels:g}: publish smaller images, or raise the limit where there is memory"
        )
