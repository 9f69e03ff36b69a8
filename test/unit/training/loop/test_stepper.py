"""One step: the rate, the gradient, the average, and what is no longer a number."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from training_world import ALONE, TINY, tiny_source, tiny_task, write_photographs

from aliked_ros.training.loop.initial_network import make_network
from aliked_ros.training.loop.stepper import Stepper, TrainingError, rate
from aliked_ros.training.losses import terms as losses
from aliked_ros.training.losses.objective import Objective
from aliked_ros.training.pairs.loading import batches


@pytest.fixture(scope="module")
def three_batches(tmp_path_factory):
    source = tiny_source(write_photographs(tmp_path_factory.mktemp("photographs")))
    return list(batches(source, range(3), 1, TINY.num_random, 0, 0))


def _parameters(stepper):
    return {name: value.detach().clone() for name, value in stepper.network.named_parameters()}


def test_the_rate_grows_and_then_falls_along_a_cosine():
    config = replace(TINY, warm_up_steps=4, num_steps=104, final_rate=0.2)
    assert [rate(step, config) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert rate(54, config) == pytest.approx(0.6)
    assert rate(29, config) == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2)
    assert rate(104, config) == pytest.approx(0.2)
    assert rate(500, config) == pytest.approx(0.2)


def test_the_rate_can_stay_and_needs_no_warm_up():
    config = replace(TINY, warm_up_steps=0, num_steps=10, final_rate=1.0)
    assert {rate(step, config) for step in range(12)} == {1.0}
    all_warm_up = replace(TINY, warm_up_steps=10, num_steps=5)
    assert rate(4, all_warm_up) == 0.5


def test_a_step_moves_network_and_average_with_the_rate_of_the_step(three_batches):
    stepper = Stepper(tiny_task(TINY), ALONE)
    begin = _parameters(stepper)
    means = stepper.advance(three_batches[:1])
    assert stepper.step == 1
    assert float(means["learning_rate"]) == pytest.approx(TINY.learning_rate / 2)
    # The first step of Adam is as long as the rate, whatever the gradient.
    name = "block1.conv1.weight"
    moved = _parameters(stepper)[name] - begin[name]
    assert float(moved.abs().max()) == pytest.approx(TINY.learning_rate / 2, rel=0.01)
    averaged = stepper.average.network.state_dict()[name]
    share = 1 - 1 / 11  # of the new parameters after step 1
    torch.testing.assert_close(averaged, begin[name] + share * moved, rtol=0, atol=1e-7)
    assert float(stepper.advance(three_batches[1:2])["learning_rate"]) == pytest.approx(
        TINY.learning_rate
    )


def test_two_batches_make_one_step_with_their_mean_gradient(three_batches):
    config = replace(TINY, accumulate=2, max_gradient_norm=0.0)
    stepper = Stepper(tiny_task(config), ALONE)
    means = stepper.advance(three_batches[:2])
    gradients, totals = [], []
    for batch in three_batches[:2]:
        network = make_network(config).train()
        terms = Objective(network, config)(batch.images / 255, batch.uniform, batch.warps)
        terms["total"].backward()
        gradients.append({name: p.grad for name, p in network.named_parameters()})
        totals.append(float(terms["total"].detach()))
    for name, parameter in stepper.network.named_parameters():
        expected = (gradients[0][name] + gradients[1][name]) / 2
        scale = float(expected.abs().max())
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-4, atol=1e-5 * scale)
    assert float(means["total"]) == pytest.approx(sum(totals) / 2, rel=1e-5)
    assert totals[0] != totals[1]


def test_long_gradients_are_shortened_and_their_length_is_told(three_batches):
    lengths, told = [], []
    for limit in (0.0, 0.01):
        stepper = Stepper(tiny_task(replace(TINY, max_gradient_norm=limit)), ALONE)
        told.append(float(stepper.advance(three_batches[:1])["gradient_norm"]))
        gradients = [p.grad.flatten() for p in stepper.network.parameters()]
        lengths.append(float(torch.cat(gradients).norm()))
    assert told[0] == pytest.approx(told[1], rel=1e-5)
    assert lengths[0] == pytest.approx(told[0], rel=1e-5)
    assert lengths[1] == pytest.approx(0.01, rel=1e-3)


def test_a_loss_that_is_no_number_is_an_error_that_names_the_term(three_batches, monkeypatch):
    stepper = Stepper(tiny_task(TINY), ALONE)
    stepper.advance(three_batches[:1])
    before = _parameters(stepper)
    plain = losses.peak_loss
    monkeypatch.setattr(losses, "peak_loss", lambda *given: plain(*given) * torch.nan)
    with pytest.raises(TrainingError, match=r"step 2: total, peak is no longer a number.*Lower"):
        stepper.advance(three_batches[1:2])
    assert stepper.step == 1
    assert all(torch.equal(value, before[name]) for name, value in _parameters(stepper).items())


def test_a_gradient_that_is_no_number_is_an_error_before_it_does_harm(three_batches):
    stepper = Stepper(tiny_task(TINY), ALONE)
    before = _parameters(stepper)
    stepper.network.conv1.weight.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(TrainingError, match="step 1: gradient_norm is no longer a number"):
        stepper.advance(three_batches[:1])
    assert all(torch.equal(value, before[name]) for name, value in _parameters(stepper).items())


def test_a_restored_stepper_goes_on_bit_by_bit(three_batches):
    first, second = (
        Stepper(tiny_task(TINY), ALONE),
        Stepper(tiny_task(replace(TINY, seed=5)), ALONE),
    )
    first.advance(three_batches[:1])
    second.restore(copy.deepcopy(first.state()))
    assert second.step == 1
    for stepper in (first, second):
        for batch in three_batches[1:]:
            stepper.advance([batch])
    states = [stepper.state() for stepper in (first, second)]
    for part in ("network", "average"):
        for name, value in states[0][part].items():
            assert torch.equal(value, states[1][part][name])


def test_mixed_precision_on_a_cpu_is_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"precision is 'float16' on device 'cpu'.*'float32'"):
        Stepper(tiny_task(replace(TINY, precision="float16")), ALONE)


def test_thirty_steps_on_drawn_pictures_lower_the_descriptor_loss(tmp_path):
    config = replace(TINY, batch_pairs=2, num_steps=30, num_detected=48, num_random=32,
                     learning_rate=3e-3, max_rotation_deg=10)  # fmt: skip
    source = tiny_source(write_photographs(tmp_path), config)
    stepper = Stepper(tiny_task(config), ALONE)
    found = [
        float(stepper.advance([batch])["descriptor"])
        for batch in batches(source, range(30), 2, config.num_random, config.seed, 0)
    ]
    assert sum(found[-5:]) < 0.8 * sum(found[:5])
