"""What a training begins with."""

from dataclasses import replace

import pytest
import torch
from training_world import ALONE, TINY, tiny_source, tiny_task, write_photographs

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import DeformableConv2d
from aliked_ros.training.loop.initial_network import make_network, sample_grid
from aliked_ros.training.loop.stepper import Stepper
from aliked_ros.training.pairs.loading import batches


def _offset_parameters(network):
    convolutions = [m for m in network.modules() if isinstance(m, DeformableConv2d)]
    assert len(convolutions) == 4
    return [p for m in convolutions for p in m.offset_conv.parameters()]


def test_parameters_depend_on_the_seed_alone():
    state = torch.random.get_rng_state()
    networks = [make_network(replace(TINY, seed=seed)) for seed in (1, 1, 2)]
    assert torch.equal(torch.random.get_rng_state(), state)
    weights = [network.block1.conv1.weight for network in networks]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_deformable_convolutions_begin_as_ordinary_ones_and_can_learn():
    network = make_network(TINY)
    assert all((parameter == 0).all() for parameter in _offset_parameters(network))
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_descriptors_begin_with_samples_near_the_grid():
    head = make_network(TINY).eval().desc_head
    # What the head reads around a keypoint: features of unit length.
    features = torch.nn.functional.normalize(torch.randn(20, 64, 3, 3), dim=1)
    with torch.no_grad():
        offsets = head.offset_conv(features).view(20, 2, 16)
    grid = sample_grid(16).view(2, 16)
    assert float((offsets - grid).abs().max()) < 1.5
    assert float((offsets - grid).abs().max()) > 0  # from the first step on, they learn


@pytest.mark.parametrize("number", [8, 16, 32])
def test_the_grid_is_spread_evenly_around_the_keypoint(number):
    x, y = sample_grid(number).view(2, number)
    radius = torch.hypot(x, y)
    assert float(radius.max()) == pytest.approx(4 * ((number - 0.5) / torch.pi) ** 0.5)
    assert float(torch.hypot(x.mean(), y.mean())) < 0.2 * float(radius.max())
    distances = torch.cdist(*[torch.stack((x, y), 1)] * 2) + 99 * torch.eye(number)
    assert float(distances.amin()) > 2  # px


def test_the_number_of_samples_can_be_chosen():
    assert make_network(replace(TINY, num_samples=8)).desc_head.num_samples == 8
    assert make_network(TINY).desc_head.num_samples == 16


def test_a_training_can_begin_with_a_checkpoint(tmp_path):
    given = ALIKED.from_seed("aliked-t16", 9)
    torch.save(given.state_dict(), tmp_path / "begin.pth")
    network = make_network(replace(TINY, initial_weights=str(tmp_path / "begin.pth")))
    for name, value in network.state_dict().items():
        assert torch.equal(value, given.state_dict()[name])


def test_fixed_offsets_stay_fixed_while_the_rest_learns(tmp_path):
    config = replace(TINY, is_deformable=False)
    stepper = Stepper(tiny_task(config), ALONE)
    source = tiny_source(write_photographs(tmp_path))
    for batch in batches(source, range(3), 1, config.num_random, 0, 0):
        stepper.advance([batch])
    network = stepper.network
    assert all((parameter == 0).all() for parameter in _offset_parameters(network))
    assert torch.equal(network.desc_head.offset_conv[2].bias, sample_grid(16))
    assert (network.desc_head.offset_conv[2].weight == 0).all()
    begin = make_network(config).state_dict()
    for name in (
        "block1.conv1.weight",
        "desc_head.agg_weights",
        "block3.conv1.regular_conv.weight",
    ):
        assert not torch.equal(network.state_dict()[name], begin[name])
