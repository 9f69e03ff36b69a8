"""The score map against the head applied to the dense feature map; padding."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from aliked_ros.network.encoder import Channels, Encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(Channels(4, 4, 8, 8)).double().eval().requires_grad_(False)


@pytest.mark.parametrize("size", [(64, 32), (37, 50), (1, 1), (200, 3)])
def test_splitting_the_score_head_changes_no_score(encoder, size):
    height, width = size
    pyramid, score_map = encoder.encode(torch.rand(2, 3, height, width, dtype=torch.float64))
    full_size = pyramid.levels[0].shape[2:]
    dense = [
        F.interpolate(level, size=full_size, mode="bilinear", align_corners=True)
        for level in pyramid.levels
    ]
    expected = encoder.score_head(torch.cat(dense, dim=1)).sigmoid().squeeze(1)
    left, top = pyramid.pad
    torch.testing.assert_close(score_map, expected[:, top : top + height, left : left + width])


@pytest.mark.parametrize(
    ("size", "padded", "pad"),
    [
        ((376, 1241), (384, 1248), (3, 4)),
        ((64, 96), (64, 96), (0, 0)),
        ((1, 33), (32, 64), (15, 15)),
    ],
)
def test_image_is_padded_on_both_sides_to_a_multiple_of_32(encoder, size, padded, pad):
    pyramid, score_map = encoder.encode(torch.rand(1, 3, *size, dtype=torch.float64))
    assert pyramid.levels[0].shape[2:] == padded
    assert pyramid.pad == pad
    assert pyramid.image_size == size
    assert score_map.shape == (1, *size)


def test_padding_repeats_the_edge(encoder):
    image = torch.rand(1, 3, 31, 30, dtype=torch.float64)
    by_hand = F.pad(image, (1, 1, 0, 1), mode="replicate")
    _, score_map = encoder.encode(image)
    _, padded_score_map = encoder.encode(by_hand)
    assert torch.equal(score_map, padded_score_map[:, :31, 1:31])


def test_levels_have_a_quarter_of_the_channels_at_four_scales(encoder):
    pyramid, _ = encoder.encode(torch.rand(1, 3, 64, 96, dtype=torch.float64))
    shapes = [tuple(level.shape) for level in pyramid.levels]
    assert shapes == [(1, 2, 64, 96), (1, 2, 32, 48), (1, 2, 8, 12), (1, 2, 2, 3)]


def test_every_parameter_of_the_encoder_receives_a_gradient():
    torch.manual_seed(0)
    encoder = Encoder(Channels(4, 4, 8, 8))
    _, score_map = encoder.encode(torch.rand(2, 3, 64, 64))
    score_map.square().mean().backward()
    without = [name for name, value in encoder.named_parameters() if value.grad is None]
    assert without == []


def test_padding_keeps_the_layout_on_every_device():
    """On a GPU, as on the meta device, torch's own padding would put the channels first."""
    encoder, seen = Encoder(Channels(4, 4, 8, 8)).to("meta"), []
    encoder.block1.conv1.register_forward_pre_hook(
        lambda _, given: seen.append(given[0].is_contiguous(memory_format=torch.channels_last))
    )
    image = torch.empty(1, 3, 33, 47, device="meta")
    encoder.encode(image.contiguous(memory_format=torch.channels_last))
    encoder.encode(image)
    assert seen == [True, False]
