"""The variants, their parameters' names, folding, and training mode."""

from __future__ import annotations

import pytest
import torch

from aliked_ros.config import MODELS
from aliked_ros.network.aliked import ALIKED

NUM_PARAMETERS = {
    "aliked-t16": 192_100,
    "aliked-n16": 677_356,
    "aliked-n16rot": 677_356,
    "aliked-n32": 979_500,
}


@pytest.mark.parametrize("model", MODELS)
def test_variant_has_the_published_number_of_parameters(model):
    network = ALIKED(model)
    assert sum(value.numel() for value in network.parameters()) == NUM_PARAMETERS[model]
    assert len(network.state_dict()) == 76


def test_parameters_carry_the_names_of_the_released_files():
    shapes = {name: tuple(value.shape) for name, value in ALIKED("aliked-n32").state_dict().items()}
    assert shapes["block1.conv1.weight"] == (16, 3, 3, 3)
    assert shapes["block2.downsample.bias"] == (32,)
    assert shapes["block3.conv1.offset_conv.bias"] == (18,)
    assert shapes["block4.conv2.regular_conv.weight"] == (128, 128, 3, 3)
    assert shapes["block4.bn2.num_batches_tracked"] == ()
    assert shapes["conv4.weight"] == (32, 128, 1, 1)
    assert shapes["score_head.6.weight"] == (1, 4, 3, 3)
    assert shapes["desc_head.agg_weights"] == (32, 128, 128)
    assert shapes["desc_head.offset_conv.2.weight"] == (64, 64, 1, 1)
    assert shapes["desc_head.sf_conv.weight"] == (128, 128, 1, 1)


def test_unknown_variant_is_named_with_the_choices():
    with pytest.raises(ValueError, match=r"'aliked-x'.*aliked-t16, aliked-n16"):
        ALIKED("aliked-x")


def test_seed_decides_the_parameters_and_leaves_the_generator_alone():
    state = torch.random.get_rng_state()
    first, again = ALIKED.from_seed("aliked-t16", 3), ALIKED.from_seed("aliked-t16", 3)
    other = ALIKED.from_seed("aliked-t16", 4)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.conv1.weight, again.conv1.weight)
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def test_folded_network_gives_the_same_features(seeded_network):
    image = torch.rand(1, 3, 50, 70)
    fused = seeded_network.fuse()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    with torch.no_grad():
        expected, expected_descriptors = seeded_network(image, 50, 0.0)
        detections, descriptors = fused(image, 50, 0.0)
    torch.testing.assert_close(detections.keypoints, expected.keypoints, atol=1e-4, rtol=0)
    torch.testing.assert_close(descriptors, expected_descriptors, atol=1e-4, rtol=0)


def test_folding_leaves_the_original_trainable():
    network = ALIKED.from_seed("aliked-t16", 0)
    fused = network.fuse()
    assert network.training
    assert all(value.requires_grad for value in network.parameters())
    assert isinstance(network.block4.bn2, torch.nn.BatchNorm2d)
    assert not any(value.requires_grad for value in fused.parameters())


def test_training_mode_reaches_every_parameter():
    network = ALIKED.from_seed("aliked-t16", 0).train()
    mean = network.block1.bn1.running_mean.clone()
    detections, descriptors = network(torch.rand(2, 3, 64, 64), 20, 0.0)
    weights = torch.randn_like(descriptors)
    loss = (descriptors * weights).sum() + detections.scores.sum() + detections.dispersity.sum()
    (loss + detections.keypoints.square().mean()).backward()
    silent = [
        name
        for name, value in network.named_parameters()
        if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert silent == []
    assert not torch.equal(network.block1.bn1.running_mean, mean)


def test_a_step_against_the_gradient_lowers_the_loss():
    network = ALIKED.from_seed("aliked-t16", 0).train()
    image, target = torch.rand(1, 3, 64, 64), torch.randn(1, 15, 64)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    pyramid_keypoints = torch.rand(1, 15, 2) * 50 + 5
    losses = []
    for _ in range(6):
        pyramid, _ = network.encode(image)
        loss = -(network.desc_head(pyramid, pyramid_keypoints) * target).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_accelerator_never_waits_for_a_value(seeded_network, dtype):
    # Meta tensors have no values: an operation that asks for one, or that mixes in a tensor of
    # the CPU, fails here as it would stall or fail on a GPU.
    network = seeded_network.fuse().to("meta", dtype)
    image = torch.empty(2, 3, 50, 70, device="meta", dtype=dtype)
    detections, descriptors = network(image, 100, 0.2)
    assert detections.keypoints.shape == (2, 100, 2)
    assert detections.is_valid.shape == (2, 100)
    assert descriptors.shape == (2, 100, 64)
    for tensor in (detections.keypoints, detections.scores, descriptors):
        assert tensor.dtype == torch.float32
        assert tensor.device.type == "meta"


def test_half_precision_stays_close_with_coordinates_in_float32(seeded_network):
    image = torch.rand(1, 3, 64, 96)
    fused = seeded_network.fuse()
    pyramid, score_map = fused.encode(image)
    half = seeded_network.fuse().half()
    half_pyramid, half_score_map = half.encode(image.half())
    assert half_score_map.dtype == torch.float32
    torch.testing.assert_close(half_score_map, score_map, atol=5e-3, rtol=0)
    keypoints = torch.rand(1, 30, 2) * 60 + 1
    descriptors = fused.desc_head(pyramid, keypoints)
    half_descriptors = half.desc_head(half_pyramid, keypoints)
    assert half_descriptors.dtype == torch.float32
    assert (descriptors * half_descriptors).sum(dim=-1).min() > 0.99
