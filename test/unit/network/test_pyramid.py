"""The sampled pyramid against the dense feature map that it stands for."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from aliked_ros.network.pyramid import FeaturePyramid


def make_pyramid(batch: int = 2, dtype: torch.dtype = torch.float64) -> FeaturePyramid:
    """Four random levels of a 64x32 padded image; the image itself is 40x27."""
    torch.manual_seed(0)
    levels = tuple(
        torch.randn(batch, 2, 64 // step, 32 // step, dtype=dtype) for step in (1, 2, 8, 32)
    )
    return FeaturePyramid(levels, image_size=(40, 27), pad=(2, 12))


def dense_features(pyramid: FeaturePyramid) -> torch.Tensor:
    """Upsample, concatenate, normalise and crop: (B, dim, H, W)."""
    size = pyramid.levels[0].shape[2:]
    maps = [
        F.interpolate(level, size=size, mode="bilinear", align_corners=True)
        for level in pyramid.levels
    ]
    (height, width), (left, top) = pyramid.image_size, pyramid.pad
    dense = F.normalize(torch.cat(maps, dim=1), dim=1)
    return dense[:, :, top : top + height, left : left + width]


def test_pixels_equal_the_dense_map():
    pyramid = make_pyramid()
    height, width = pyramid.image_size
    x = torch.arange(width, dtype=torch.float64).view(-1, 1).expand(-1, 2)
    y = torch.arange(height, dtype=torch.float64).view(-1, 1).expand(-1, 2)
    parts, scale = pyramid.at_grids(torch.tensor([0, 1]), x, y)
    features = torch.cat(parts, dim=1) * scale.view(-1, 1)
    expected = dense_features(pyramid).permute(0, 2, 3, 1).reshape(-1, pyramid.dim)
    torch.testing.assert_close(features, expected)


def test_pixels_outside_the_image_have_no_scale_even_inside_the_padding():
    pyramid = make_pyramid(batch=1)
    x = torch.tensor([[-1.0], [0.0], [26.0], [27.0]])
    y = torch.tensor([[-1.0], [0.0], [39.0], [40.0]])
    _, scale = pyramid.at_grids(torch.tensor([0]), x, y)
    is_zero = (scale == 0).view(4, 4)
    assert not is_zero[1:3, 1:3].any()
    assert is_zero.sum() == 12


def test_pixel_without_any_feature_stays_zero():
    levels = tuple(torch.zeros(1, 2, 32 // step, 32 // step) for step in (1, 2, 8, 32))
    pyramid = FeaturePyramid(levels, (32, 32), (0, 0))
    parts, scale = pyramid.at_grids(torch.tensor([0]), torch.zeros(1, 1), torch.zeros(1, 1))
    assert torch.equal(torch.cat(parts, dim=1) * scale.view(-1, 1), torch.zeros(1, 8))
