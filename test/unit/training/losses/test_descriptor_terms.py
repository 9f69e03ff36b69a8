"""The losses of descriptors against cases by hand, loops, and finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from training_world import random_positives, unit_rows

from aliked_ros.training.losses import terms as losses

NONE = torch.empty((0, 2), dtype=torch.int64)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 9)
few = settings(max_examples=40, deadline=None)


def softmax_at(similarities, where, temperature):
    exponentials = [math.exp((s - 1) / temperature) for s in similarities]
    return exponentials[where] / sum(exponentials)


def dot(a, b):
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


DESCRIPTOR_LOSSES = [losses.sparse_nre_loss, losses.triplet_loss]


def test_sparse_nre_by_hand():
    one, other = [1.0, 0.0], [0.0, 1.0]
    loss = losses.sparse_nre_loss(
        torch.tensor([one]), torch.tensor([other, one]), torch.tensor([[0, 1]]), temperature=0.5
    )
    # Similarities 0 and 1 to image 1, of which the second is right; image 0 leaves no choice.
    there = -math.log(math.exp(2) / (math.exp(2) + 1))
    assert float(loss) == pytest.approx((there + 0) / 2)


def test_sparse_nre_of_descriptors_that_say_nothing_is_the_logarithm_of_their_number():
    same = torch.ones(8, 4) / 2
    loss = losses.sparse_nre_loss(same, same[:3], torch.tensor([[5, 2]]))
    assert float(loss) == pytest.approx((math.log(3) + math.log(8)) / 2, rel=1e-5)


@given(seeds, sizes, sizes, st.sampled_from([0.05, 0.1, 1.0]))
@few
def test_sparse_nre_is_the_mean_negative_logarithm_of_the_matching_probability(seed, n, m, t):
    generator = np.random.default_rng(seed)
    descriptors0, descriptors1 = unit_rows(generator, n), unit_rows(generator, m)
    positives = random_positives(generator, n, m)
    terms = []
    for i, j in positives.tolist():
        to_image1 = [dot(descriptors0[i], other) for other in descriptors1]
        to_image0 = [dot(other, descriptors1[j]) for other in descriptors0]
        terms += [-math.log(softmax_at(to_image1, j, t)), -math.log(softmax_at(to_image0, i, t))]
    loss = losses.sparse_nre_loss(descriptors0, descriptors1, positives, t)
    assert float(loss) == pytest.approx(np.mean(terms), rel=1e-6, abs=1e-9)


def test_triplet_by_hand():
    # Distances of unit vectors: similarity 0.98 is 0.2 apart, 0.92 is 0.4 apart.
    anchor = [1.0, 0.0, 0.0]
    partner, stranger = [0.98, math.sqrt(1 - 0.98**2), 0.0], [0.92, 0.0, math.sqrt(1 - 0.92**2)]
    loss = losses.triplet_loss(
        torch.tensor([anchor]), torch.tensor([partner, stranger]), torch.tensor([[0, 0]])
    )
    # The partner has no stranger in image 0, which costs nothing.
    assert float(loss) == pytest.approx((0.5 + 0.2 - 0.4 + 0) / 2, abs=1e-6)


@given(seeds, sizes, sizes)
@few
def test_triplet_looks_for_the_hardest_negative_in_both_directions(seed, n, m):
    generator = np.random.default_rng(seed)
    descriptors0, descriptors1 = unit_rows(generator, n), unit_rows(generator, m)
    positives = random_positives(generator, n, m)
    terms = []
    for i, j in positives.tolist():
        positive = math.dist(descriptors0[i], descriptors1[j])
        others1 = [math.dist(descriptors0[i], descriptors1[k]) for k in range(m) if k != j]
        others0 = [math.dist(descriptors0[k], descriptors1[j]) for k in range(n) if k != i]
        terms += [max(0, 0.5 + positive - min(o, default=math.inf)) for o in (others1, others0)]
    loss = losses.triplet_loss(descriptors0, descriptors1, positives)
    assert float(loss) == pytest.approx(np.mean(terms), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("function", DESCRIPTOR_LOSSES)
def test_gradients_of_descriptor_losses_are_right(function):
    generator = np.random.default_rng(3)
    raw = [unit_rows(generator, number).requires_grad_() for number in (5, 6)]

    def loss(raw0, raw1):
        normalised = [torch.nn.functional.normalize(rows, dim=1) for rows in (raw0, raw1)]
        return function(*normalised, torch.tensor([[0, 2], [3, 0], [4, 5]]))

    assert float(loss(*raw).detach()) > 0.01
    assert torch.autograd.gradcheck(loss, raw)


@pytest.mark.parametrize("function", DESCRIPTOR_LOSSES)
@given(seed=seeds, n=sizes, m=sizes)
@few
def test_descriptor_losses_do_not_depend_on_which_image_comes_first(function, seed, n, m):
    generator = np.random.default_rng(seed)
    descriptors0, descriptors1 = unit_rows(generator, n), unit_rows(generator, m)
    positives = random_positives(generator, n, m)
    forward = function(descriptors0, descriptors1, positives)
    backward = function(descriptors1, descriptors0, positives.flip(1))
    assert float(forward) == pytest.approx(float(backward), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("function", DESCRIPTOR_LOSSES)
@pytest.mark.parametrize("sizes", [(3, 4), (0, 4), (3, 0), (0, 0)])
def test_descriptor_losses_without_positives_are_zero_and_can_be_derived(function, sizes):
    generator = np.random.default_rng(0)
    descriptors = [unit_rows(generator, number).requires_grad_() for number in sizes]
    loss = function(*descriptors, NONE)
    loss.backward()
    assert float(loss.detach()) == 0
    assert all((rows.grad == 0).all() for rows in descriptors)


@pytest.mark.parametrize("function", DESCRIPTOR_LOSSES)
def test_the_only_keypoint_of_an_image_has_a_finite_gradient(function):
    generator = np.random.default_rng(0)
    descriptors = [unit_rows(generator, 1).requires_grad_() for _ in range(2)]
    function(*descriptors, torch.tensor([[0, 0]])).backward()
    assert all(rows.grad.isfinite().all() for rows in descriptors)


# --- reliability


def test_reliability_by_hand():
    descriptors0 = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    descriptors1 = torch.tensor([[0.0, 1.0], [0.6, 0.8], [-1.0, 0.0]])
    scores0, scores1 = torch.tensor([0.2, 0.6]), torch.tensor([0.9, 0.3, 0.5])
    loss = losses.reliability_loss(
        descriptors0, descriptors1, scores0, scores1, torch.tensor([[0, 1], [1, 0]]), temperature=1
    )
    e = math.exp
    of_0 = e(0.6) / (e(0.0) + e(0.6) + e(-1.0))  # point 0 picks point 1
    of_1 = e(1.0) / (e(1.0) + e(0.8) + e(0.0))  # point 1 picks point 0
    image0 = (0.2 * (1 - of_0) + 0.6 * (1 - of_1)) / 0.8
    back_of_1 = e(0.6) / (e(0.6) + e(0.8))
    back_of_0 = e(1.0) / (e(0.0) + e(1.0))
    image1 = (0.3 * (1 - back_of_1) + 0.9 * (1 - back_of_0)) / 1.2
    assert float(loss) == pytest.approx((image0 + image1) / 2, rel=1e-6)


@given(seeds, sizes, sizes, st.sampled_from([0.1, 1.0]))
@few
def test_reliability_is_that_of_a_loop_from_either_side(seed, n, m, t):
    generator = np.random.default_rng(seed)
    descriptors0, descriptors1 = unit_rows(generator, n), unit_rows(generator, m)
    scores0, scores1 = (torch.from_numpy(generator.uniform(0.01, 1, size)) for size in (n, m))
    positives = random_positives(generator, n, m)
    sums = np.zeros((2, 2))
    for i, j in positives.tolist():
        to_image1 = [dot(descriptors0[i], other) for other in descriptors1]
        to_image0 = [dot(other, descriptors1[j]) for other in descriptors0]
        s0, s1 = float(scores0[i]), float(scores1[j])
        sums[0] += s0 * (1 - softmax_at(to_image1, j, t)), s0
        sums[1] += s1 * (1 - softmax_at(to_image0, i, t)), s1
    expected = (sums[:, 0] / sums[:, 1]).mean()
    loss = losses.reliability_loss(descriptors0, descriptors1, scores0, scores1, positives, t)
    assert float(loss) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    swapped = losses.reliability_loss(
        descriptors1, descriptors0, scores1, scores0, positives.flip(1), t
    )
    assert float(swapped) == pytest.approx(float(loss), rel=1e-9, abs=1e-12)


def _reliability_case():
    generator = np.random.default_rng(1)
    descriptors = [unit_rows(generator, number).requires_grad_() for number in (5, 6)]
    scores = [
        torch.from_numpy(generator.uniform(0.1, 1, number)).requires_grad_() for number in (5, 6)
    ]
    return descriptors, scores, torch.tensor([[0, 2], [3, 0], [4, 5]])


def test_gradient_of_the_reliability_loss_is_right():
    descriptors, scores, positives = _reliability_case()
    assert torch.autograd.gradcheck(
        lambda s0, s1: losses.reliability_loss(*descriptors, s0, s1, positives), scores
    )


def test_reliability_loss_reaches_the_scores_and_not_the_descriptors():
    descriptors, scores, positives = _reliability_case()
    losses.reliability_loss(*descriptors, *scores, positives).backward()
    assert all(rows.grad is None for rows in descriptors)
    assert all((values.grad != 0).any() for values in scores)


def test_only_the_relation_of_the_scores_counts_for_reliability():
    descriptors, (scores0, scores1), positives = _reliability_case()
    loss = losses.reliability_loss(*descriptors, scores0, scores1, positives)
    scaled = losses.reliability_loss(*descriptors, scores0 / 7, scores1 / 3, positives)
    assert float(scaled.detach()) == pytest.approx(float(loss.detach()))


def test_reliability_raises_the_score_of_the_keypoint_that_finds_its_partner():
    descriptors0 = torch.eye(2, 3)
    descriptors1 = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    scores = [torch.full((2,), 0.5, requires_grad=True), torch.full((3,), 0.5)]
    # Point 0 has a double in image 1, point 1 has none.
    losses.reliability_loss(
        descriptors0, descriptors1, *scores, torch.tensor([[0, 0], [1, 2]])
    ).backward()
    assert scores[0].grad[1] < 0 < scores[0].grad[0]


@pytest.mark.parametrize("sizes", [(3, 4), (0, 4), (3, 0)])
def test_reliability_without_positives_is_zero_and_can_be_derived(sizes):
    generator = np.random.default_rng(0)
    descriptors = [unit_rows(generator, number) for number in sizes]
    scores = [torch.rand(number, requires_grad=True) for number in sizes]
    loss = losses.reliability_loss(*descriptors, *scores, NONE)
    loss.backward()
    assert float(loss.detach()) == 0
    assert (scores[0].grad == 0).all()
    assert scores[1].grad is None
