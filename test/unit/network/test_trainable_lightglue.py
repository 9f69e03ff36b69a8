"""LightGlue with gradients computes what the fast one computes."""

import pytest
import torch
from lightglue_world import random_features, random_state, shuffled, specified
from torch.nn.utils.rnn import pad_sequence

from aliked_ros.network.lightglue import LightGlue
from aliked_ros.network.lightglue_layers import positions_of
from aliked_ros.network.lightglue_weights import expected_shapes
from aliked_ros.network.trainable_lightglue import TrainableLightGlue
from aliked_ros.structs import Features


def batch_of(pairs):
    """Return positions, descriptors and is_point of pairs of features, with filling."""
    images = [pair[image] for image in (0, 1) for pair in pairs]
    size = torch.tensor([640.0, 480.0])
    return tuple(
        pad_sequence(rows, batch_first=True)
        for rows in (
            [positions_of(one.keypoints, size) for one in images],
            [one.descriptors for one in images],
            [torch.ones(len(one), dtype=torch.bool) for one in images],
        )
    )


def scores_of(readout, pair):
    """Return the scores (N, M) of all pairs of points of pair number `pair`, without filling."""
    s = readout.similarity[pair]
    z0, z1 = readout.matchability0[pair], readout.matchability1[pair]
    return s.softmax(0) * s.softmax(1) * z0.sigmoid()[:, None] * z1.sigmoid()[None]


def pair_of(num, dim, seed):
    features0 = random_features(num, seed, dim)
    return features0, shuffled(features0, seed)[0].select(torch.arange(num * 3 // 4))


@pytest.mark.parametrize(("width", "length", "num_layers"), [(128, 64, 3), (256, 128, 2)])
def test_it_has_the_tensors_of_a_checkpoint(width, length, num_layers):
    network = TrainableLightGlue(length, width, num_layers)
    found = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert found == expected_shapes(num_layers, width, length)


def test_a_released_layout_gives_the_scores_of_the_specification():
    state, pair = random_state(2), pair_of(40, 128, 1)
    network = TrainableLightGlue(128, 256, 2)
    network.load_state_dict(state)
    with torch.no_grad():
        scores = scores_of(network(*batch_of([pair]))[-1], 0)
    expected, _ = specified(state, 2, *pair, adaptive=False)
    assert len(expected) > 20
    for (i, j), score in expected.items():
        assert float(scores[i, j]) == pytest.approx(score, abs=1e-4)


def test_the_fast_one_gives_the_same_in_another_width_and_with_filling():
    torch.manual_seed(0)
    network = TrainableLightGlue(64, 128, 3)
    pairs = [pair_of(40, 64, 1), pair_of(24, 64, 2)]
    pairs[1] = pairs[1][::-1]
    with torch.no_grad():
        readout = network(*batch_of(pairs))[-1]
        found = LightGlue(network.state_dict(), 3)(pairs, adaptive=False)
    for number, (pair, assignment) in enumerate(zip(pairs, found, strict=True)):
        assert len(assignment.indices) > 5
        scores = scores_of(readout, number)[: len(pair[0]), : len(pair[1])]
        i, j = assignment.indices.T
        torch.testing.assert_close(scores[i, j], assignment.scores, atol=1e-5, rtol=0)


def test_it_begins_near_nearest_neighbours():
    torch.manual_seed(0)
    network = TrainableLightGlue(64, 128, 3)
    (features0, features1), order = pair_of(200, 64, 3), shuffled(random_features(200, 3, 64), 3)[1]
    noisy = features1.descriptors + 0.05 * torch.randn(features1.descriptors.shape)
    features1 = Features(features1.keypoints, features1.scores, features1.dispersity,
                         torch.nn.functional.normalize(noisy, dim=1), (480, 640))  # fmt: skip
    with torch.no_grad():
        found = LightGlue(network.state_dict(), 3)([(features0, features1)], adaptive=False)[0]
    assert len(found.indices) > 140
    assert torch.equal(order[found.indices[:, 1]], found.indices[:, 0])


def test_filling_has_no_gradient_and_every_parameter_has_a_finite_one():
    torch.manual_seed(0)
    network = TrainableLightGlue(64, 64, 2)
    positions, descriptors, is_point = batch_of([pair_of(12, 64, 1), pair_of(20, 64, 2)[::-1]])
    descriptors.requires_grad_()
    readouts = network(positions, descriptors, is_point)
    assert len(readouts) == 2
    total = sum(
        (scores_of(one, n)[is_point[n]][:, is_point[n + 2]]).sum() + one.confidence0.sum()
        if one.confidence0 is not None
        else scores_of(one, n)[is_point[n]][:, is_point[n + 2]].sum()
        for one in readouts
        for n in (0, 1)
    )
    total.backward()
    assert bool((descriptors.grad[~is_point] == 0).all())
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters())


def test_bfloat16_stays_near():
    torch.manual_seed(0)
    network, given = TrainableLightGlue(64, 128, 2), batch_of([pair_of(40, 64, 1)])
    with torch.no_grad():
        exact = network(*given)[-1].similarity
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network(*given)[-1].similarity
    assert rounded.dtype == torch.float32
    assert 0 < float((rounded - exact).abs().max()) < 0.02 * float(exact.abs().max())
