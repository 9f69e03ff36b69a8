"""Descriptors against the definition, keypoint by keypoint on the dense feature map."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from aliked_ros.network.pyramid import FeaturePyramid
from aliked_ros.network.sddh import SDDH

DIM, NUM_SAMPLES = 8, 4


def make_head(scale: float = 1.0) -> SDDH:
    torch.manual_seed(1)
    head = SDDH(DIM, NUM_SAMPLES).double()
    with torch.no_grad():
        head.offset_conv[2].bias.add_(torch.randn(2 * NUM_SAMPLES)).mul_(scale)
    return head


def make_pyramid(batch: int = 1) -> FeaturePyramid:
    torch.manual_seed(2)
    levels = tuple(
        torch.randn(batch, DIM // 4, 32 // step, 64 // step, dtype=torch.float64)
        for step in (1, 2, 8, 32)
    )
    return FeaturePyramid(levels, image_size=(25, 45), pad=(9, 3))


def dense_features(pyramid: FeaturePyramid) -> torch.Tensor:
    maps = [
        F.interpolate(level, size=(32, 64), mode="bilinear", align_corners=True)
        for level in pyramid.levels
    ]
    return F.normalize(torch.cat(maps, dim=1), dim=1)[:, :, 3:28, 9:54]


def feature_at(dense: torch.Tensor, x: int, y: int) -> torch.Tensor:
    _, height, width = dense.shape
    inside = 0 <= x < width and 0 <= y < height
    return dense[:, y, x] if inside else torch.zeros(DIM, dtype=dense.dtype)


def describe_by_loop(head: SDDH, dense: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """One descriptor from the dense map (dim, H, W), step by step."""
    cx, cy = math.trunc(x), math.trunc(y)
    patch = torch.zeros(DIM, 3, 3, dtype=dense.dtype)
    for row in range(3):
        for column in range(3):
            patch[:, row, column] = feature_at(dense, cx + column - 1, cy + row - 1)
    limit = max(dense.shape[1:]) / 4
    offsets = head.offset_conv(patch.unsqueeze(0)).flatten().clamp(-limit, limit)
    descriptor = torch.zeros(DIM, dtype=dense.dtype)
    for m in range(NUM_SAMPLES):
        at_x = x + offsets[m].item()
        at_y = y + offsets[NUM_SAMPLES + m].item()
        left, top = math.floor(at_x), math.floor(at_y)
        sample = torch.zeros(DIM, dtype=dense.dtype)
        for column in (left, left + 1):
            for row in (top, top + 1):
                weight = (1 - abs(at_x - column)) * (1 - abs(at_y - row))
                sample += weight * feature_at(dense, column, row)
        feature = F.selu(head.sf_conv.weight.flatten(1) @ sample)
        descriptor += feature @ head.agg_weights[m]
    return F.normalize(descriptor, dim=0)


@pytest.mark.parametrize("scale", [1.0, 20.0])  # 20: offsets clamped, samples outside
def test_descriptors_match_a_loop_over_the_dense_map(scale):
    head, pyramid = make_head(scale), make_pyramid(batch=2)
    keypoints = torch.tensor(
        [
            [[20.3, 12.8], [2.0, 2.0], [42.9, 22.1]],
            [[0.2, 24.0], [44.0, 0.9], [31.5, 7.25]],
        ],
        dtype=torch.float64,
    )
    with torch.no_grad():
        descriptors = head(pyramid, keypoints)
        dense = dense_features(pyramid)
        expected = torch.stack(
            [
                torch.stack([describe_by_loop(head, dense[b], *p) for p in keypoints[b].tolist()])
                for b in range(2)
            ]
        )
    torch.testing.assert_close(descriptors, expected)


def test_descriptors_are_unit_rows():
    descriptors = make_head()(make_pyramid(), torch.rand(1, 5, 2, dtype=torch.float64) * 20)
    torch.testing.assert_close(
        descriptors.norm(dim=-1), torch.ones(1, 5, dtype=torch.float64), atol=1e-9, rtol=0
    )


def test_no_keypoints_give_no_descriptors():
    assert make_head()(make_pyramid(batch=3), torch.zeros(3, 0, 2)).shape == (3, 0, DIM)


def test_gradients_to_keypoints_features_and_parameters_are_right():
    head, pyramid = make_head(), make_pyramid()
    keypoints = torch.tensor(
        [[[20.31, 12.77], [30.4, 8.6]]], dtype=torch.float64, requires_grad=True
    )
    levels = [level.requires_grad_() for level in pyramid.levels]
    parameters = dict(head.named_parameters())

    def run(keypoints: torch.Tensor, *tensors: torch.Tensor) -> torch.Tensor:
        given = FeaturePyramid(tensors[:4], pyramid.image_size, pyramid.pad)
        named = dict(zip(parameters, tensors[4:], strict=True))
        return torch.func.functional_call(head, named, (given, keypoints))

    inputs = (keypoints, *levels, *parameters.values())
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
