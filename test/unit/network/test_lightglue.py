"""LightGlue with small random weights: against its specification, and at its limits."""

import pytest
import torch
from lightglue_world import random_features, random_state, shuffled, specified

from aliked_ros.network.lightglue import LightGlue
from aliked_ros.network.lightglue_assignment import assign

NUM_LAYERS = 3
STATE = random_state(NUM_LAYERS)


@pytest.fixture(scope="module")
def network():
    return LightGlue(STATE, NUM_LAYERS)


def pair_of(num, seed):
    """Return features, and some of them in another order beside others of their own."""
    features0 = random_features(num, seed)
    return features0, shuffled(features0, seed)[0].select(torch.arange(num * 3 // 4))


def as_dict(assignment):
    pairs = map(tuple, assignment.indices.tolist())
    return dict(zip(pairs, assignment.scores.tolist(), strict=True))


@pytest.mark.parametrize("adaptive", [False, True])
def test_partners_and_scores_are_those_of_the_specification(network, adaptive):
    features0, features1 = pair_of(60, seed=1)
    expected, num_layers = specified(STATE, NUM_LAYERS, features0, features1, adaptive=adaptive)
    found = network([(features0, features1)], adaptive=adaptive)[0]
    assert as_dict(found) == pytest.approx(expected, abs=1e-4)
    assert found.num_layers == num_layers
    assert len(expected) > 20


def test_points_without_partner_are_left_out_and_the_others_keep_their_numbers(network):
    features0 = random_features(200, seed=2)
    features1, order = shuffled(features0)
    full, adaptive = (network([(features0, features1)], adaptive=a)[0] for a in (False, True))
    for found in (full, adaptive):
        assert torch.equal(order[found.indices[:, 1]], found.indices[:, 0])
    assert len(full.indices) == 200
    assert len(adaptive.indices) in range(50, 199)


def test_it_stops_when_nearly_all_points_are_sure(network):
    sure = dict(STATE) | {"token_confidence.0.token.0.bias": torch.full((1,), 100.0)}
    pair = pair_of(50, seed=3)
    assert LightGlue(sure, NUM_LAYERS)([pair], adaptive=True)[0].num_layers == 1
    assert LightGlue(sure, NUM_LAYERS)([pair], adaptive=False)[0].num_layers == NUM_LAYERS


def test_a_pair_whose_points_have_no_partner_at_all_has_no_matches():
    hopeless = dict(STATE)
    weight, bias = "token_confidence.0.token.0.weight", "log_assignment.0.matchability.bias"
    hopeless[bias] = torch.full((1,), -1000.0)
    # The points of one image alone are sure: too few to stop, and none of them is kept.
    features0, features1 = pair_of(40, seed=4)
    network = LightGlue(hopeless | {weight: 0 * STATE[weight]}, NUM_LAYERS)
    network._heads[0].confidence = lambda x: (torch.arange(len(x)) < 40).float()
    found = network([(features0, features1)], adaptive=True)[0]
    assert found.indices.shape == (0, 2)
    assert found.num_layers == 1


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize(("num0", "num1"), [(0, 5), (5, 0), (0, 0)])
def test_no_keypoints_give_no_matches(network, num0, num1, adaptive):
    pair = random_features(num0, 0), random_features(num1, 1)
    found = network([pair], adaptive=adaptive)[0]
    assert found.indices.shape == (0, 2)
    assert found.indices.dtype == torch.int64
    assert found.scores.shape == (0,)


@pytest.mark.parametrize("adaptive", [False, True])
def test_one_point_is_its_own_partner(adaptive):
    features = random_features(1, seed=5)
    hopeful = dict(STATE)
    for number in range(NUM_LAYERS):
        hopeful[f"log_assignment.{number}.matchability.bias"] = torch.full((1,), 50.0)
    found = LightGlue(hopeful, NUM_LAYERS)([(features, features)], adaptive=adaptive)[0]
    assert found.indices.tolist() == [[0, 0]]
    assert found.scores.tolist() == pytest.approx([1.0])


def test_thousands_of_points_find_their_copies():
    features0 = random_features(5000, seed=6)
    features1, order = shuffled(features0)
    found = LightGlue(random_state(1), 1)([(features0, features1)], adaptive=True)[0]
    assert len(found.indices) > 2500
    assert torch.equal(order[found.indices[:, 1]], found.indices[:, 0])


@pytest.mark.parametrize("adaptive", [False, True])
def test_a_batch_gives_what_its_pairs_give_one_by_one(network, adaptive):
    pairs = [pair_of(70, 1), (random_features(0, 0), random_features(9, 1)), pair_of(30, 2),
             pair_of(1, 3), (random_features(40, 4), random_features(25, 5))]  # fmt: skip
    together = network(pairs, adaptive=adaptive)
    for pair, found in zip(pairs, together, strict=True):
        alone = network([pair], adaptive=adaptive)[0]
        assert torch.equal(found.indices, alone.indices)
        torch.testing.assert_close(found.scores, alone.scores, atol=1e-5, rtol=0)
        assert found.num_layers == alone.num_layers


def test_the_same_pair_gives_the_same_numbers(network):
    first, second = (network([pair_of(80, 7)], adaptive=True)[0] for _ in range(2))
    assert torch.equal(first.indices, second.indices)
    assert torch.equal(first.scores, second.scores)


def test_a_score_is_the_product_of_both_choices_and_both_chances():
    f0, f1 = torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.tensor([[0.0, 2.0], [1.0, 0.0]])
    z0, z1 = torch.tensor([0.5, 1.0]), torch.tensor([2.0, -0.5])
    indices, scores = assign(f0, f1, z0, z1)
    similarity = f0 @ f1.T
    chances = z0.sigmoid()[:, None] * z1.sigmoid()[None]
    expected = similarity.softmax(0) * similarity.softmax(1) * chances
    assert indices.tolist() == [[0, 1], [1, 0]]
    torch.testing.assert_close(scores, expected[indices[:, 0], indices[:, 1]])
