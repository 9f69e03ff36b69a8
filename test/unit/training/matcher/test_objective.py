"""LightGlue's loss against loops, and its gradient."""

import math

import pytest
import torch

from aliked_ros.network.trainable_lightglue import Readout, TrainableLightGlue
from aliked_ros.training.matcher.objective import MatcherObjective, assignment_loss
from aliked_ros.training.matcher.partners import NONE, UNKNOWN

PARTNER0 = torch.tensor([[2, NONE, 0, UNKNOWN], [NONE, NONE, UNKNOWN, UNKNOWN]])
PARTNER1 = torch.tensor([[2, UNKNOWN, 0], [NONE, UNKNOWN, NONE]])


def readout_of(seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(2, 4, 3), (2, 4), (2, 3)]
    values = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    return Readout(*values, None, None)


def by_loops(readout):
    """Return both parts of the loss, each the mean of the pairs, number by number."""
    found, without = [], []
    for pair in range(2):
        s = readout.similarity[pair].tolist()
        z0, z1 = readout.matchability0[pair].tolist(), readout.matchability1[pair].tolist()
        chance0, chance1 = ([1 / (1 + math.exp(-z)) for z in each] for each in (z0, z1))
        logs = []
        for i, j in enumerate(PARTNER0[pair].tolist()):
            if j >= 0:
                row = math.exp(s[i][j]) / sum(math.exp(value) for value in s[i])
                column = math.exp(s[i][j]) / sum(math.exp(line[j]) for line in s)
                logs.append(-math.log(row * column * chance0[i] * chance1[j]))
        found.append(sum(logs) / max(len(logs), 1))
        sides = 0.0
        for chances, partner in ((chance0, PARTNER0[pair]), (chance1, PARTNER1[pair])):
            alone = [-math.log(1 - c) for c, p in zip(chances, partner, strict=True) if p == NONE]
            sides += sum(alone) / max(len(alone), 1) / 2
        without.append(sides)
    return sum(found) / 2, sum(without) / 2


def test_both_parts_are_those_of_a_loop():
    readout = readout_of(dtype=torch.float32)
    found = assignment_loss(readout, PARTNER0, PARTNER1)
    for part, expected in zip(found, by_loops(readout), strict=True):
        assert float(part) == pytest.approx(expected, rel=1e-5)


def test_the_right_answer_costs_next_to_nothing_and_the_wrong_one_much():
    right = torch.full((1, 2, 2), -20.0)
    right[0, 0, 1] = 20.0
    partner0, partner1 = torch.tensor([[1, NONE]]), torch.tensor([[NONE, 0]])
    sure = torch.tensor([[9.0, -9.0]])
    good = sum(assignment_loss(Readout(right, sure, -sure, None, None), partner0, partner1))
    bad = sum(assignment_loss(Readout(-right, -sure, sure, None, None), partner0, partner1))
    assert float(good) < 0.01
    assert float(bad) > 30


def _given(num=12, pairs=1):
    generator = torch.Generator().manual_seed(0)
    positions = 2 * torch.rand(2 * pairs, num, 2, generator=generator) - 1
    descriptors = torch.randn(2 * pairs, num, 8, generator=generator)
    descriptors = torch.nn.functional.normalize(descriptors, dim=2)
    partner = torch.arange(num).repeat(2 * pairs, 1)
    partner[:, 8:] = NONE
    is_point = torch.ones(2 * pairs, num, dtype=torch.bool)
    return positions, descriptors, is_point, partner


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    network = TrainableLightGlue(8, 64, 2)
    objective = MatcherObjective(network, weight_confidence=0.0)
    positions, descriptors, is_point, partner = _given()
    weight = network.transformers[0].self_attn.Wqkv.weight
    objective(positions, descriptors, is_point, partner)["total"].backward()
    row, column = divmod(int(weight.grad.abs().argmax()), weight.shape[1])
    step, totals = 0.05, []
    with torch.no_grad():
        for sign in (1, -1):
            weight[row, column] += sign * step
            totals.append(float(objective(positions, descriptors, is_point, partner)["total"]))
            weight[row, column] -= sign * step
    slope = (totals[0] - totals[1]) / (2 * step)
    assert slope == pytest.approx(float(weight.grad[row, column]), rel=0.05)


def test_the_confidence_learns_alone_and_everything_else_without_it():
    torch.manual_seed(0)
    gradients = []
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        network = TrainableLightGlue(8, 64, 2)
        MatcherObjective(network, weight)(*_given())["total"].backward()
        gradients.append({name: p.grad for name, p in network.named_parameters()})
    for name, gradient in gradients[0].items():
        is_confidence = name.startswith("token_confidence")
        assert torch.equal(gradient, gradients[1][name]) is not is_confidence, name
        assert bool((gradient == 0).all()) is is_confidence, name


def test_filling_changes_nothing():
    torch.manual_seed(0)
    objective = MatcherObjective(TrainableLightGlue(8, 64, 2), 1.0)
    positions, descriptors, is_point, partner = _given()
    plain = objective(positions, descriptors, is_point, partner)
    more = [torch.cat((one, torch.full_like(one[:, :5], filling)), dim=1)
            for one, filling in ((positions, 0.3), (descriptors, 0.3), (is_point, False),
                                 (partner, UNKNOWN))]  # fmt: skip
    for name, value in objective(*more).items():
        torch.testing.assert_close(value, plain[name])
