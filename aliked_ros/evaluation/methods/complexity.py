"""Multiply-adds of ALIKED and ALIKE, counted from the sizes of their layers.

Convolutions and matrix products only, each multiply-add once, of the networks as they are published
(dense upsampled features). The paper's tables, PUBLISHED_GMACS (640x480, 1000 keypoints), count
batch norm, four operations per bilinear sample and the like too: they are 2 to 18 % higher.
"""

from __future__ import annotations

from aliked_ros.evaluation.methods.alike_network import VARIANTS

PUBLISHED_GMACS = {
    "aliked-t16": 1.37,
    "aliked-n16": 4.05,
    "aliked-n16rot": 4.05,
    "aliked-n32": 4.62,
    "alike-n": 7.91,
    "alike-l": 19.68,
}
# Channels of the four blocks, dim, sample positions.
_ALIKED = {
    "aliked-t16": (8, 16, 32, 64, 64, 16),
    "aliked-n16": (16, 32, 64, 128, 128, 16),
    "aliked-n16rot": (16, 32, 64, 128, 128, 16),
    "aliked-n32": (16, 32, 64, 128, 128, 32),
}
_STRIDES = (1, 2, 8, 32)
_PATCH = 3


def giga_multiply_adds(model: str, image_size: tuple[int, int], num_keypoints: int) -> float | None:
    """Return the giga multiply-adds of an image, or None for a model that is not counted.

    Args:
        model: name of a variant of ALIKED or ALIKE.
        image_size: (height, width), px; padding to a multiple of 32 is counted.
        num_keypoints: that are described.
    """
    height, width = (side + -side % 32 for side in image_size)
    pixels = height * width
    if model in _ALIKED:
        *channels, dim, num_samples = _ALIKED[model]
        # Score head: 1x1 to 8 channels, then 3x3 to 4, 4 and 1.
        per_pixel = _encoder(channels, dim, is_deformable=True) + dim * 8 + 9 * (8 * 4 + 4 * 4 + 4)
        return 1e-9 * (pixels * per_pixel + num_keypoints * sparse_head(dim, num_samples))
    if model in VARIANTS:
        *channels, dim, num_layers = VARIANTS[model]
        per_pixel = _encoder(channels, dim, is_deformable=False) + dense_head(dim, num_layers)
        return 1e-9 * pixels * per_pixel
    return None


def dense_head(dim: int, num_layers: int) -> int:
    """Return the multiply-adds of ALIKE's head per pixel: descriptor and score together."""
    return (num_layers - 1) * dim * dim + dim * (dim + 1)


def sparse_head(dim: int, num_samples: int) -> int:
    """Return the multiply-adds of SDDH per keypoint."""
    offsets = _PATCH**2 * dim * 2 * num_samples + (2 * num_samples) ** 2
    # One 1x1 convolution of each sample, one matrix of its own in the sum over the samples.
    return offsets + 2 * num_samples * dim * dim


def _encoder(channels: list[int], dim: int, is_deformable: bool) -> float:
    """Return the multiply-adds per pixel of the four blocks and of their 1x1 convolutions."""
    total = 0.0
    previous = 3
    for number, (current, stride) in enumerate(zip(channels, _STRIDES, strict=True)):
        convolutions = 9 * (previous * current + current * current)
        shortcut = previous * current if number else 0
        # The offsets of a deformable convolution: 18 channels from a 3x3 convolution.
        offsets = 9 * 18 * (previous + current) if is_deformable and number >= 2 else 0
        aggregation = current * (dim // 4)
        total += (convolutions + shortcut + offsets + aggregation) / stride**2
        previous = current
    return total
