"""The losses of points against cases by hand, loops over keypoints, and finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from training_world import random_positives

from aliked_ros.training.losses import terms as losses
from aliked_ros.training.pairs.warps import Warped

NONE = torch.empty((0, 2), dtype=torch.int64)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 9)
few = settings(max_examples=40, deadline=None)


def warped(points, is_visible=True, is_known=True):
    """Points that arrived somewhere; visibility is one value for all, or one of each."""
    points = torch.as_tensor(points)
    flags = [torch.as_tensor(flag).expand(len(points)).clone() for flag in (is_visible, is_known)]
    return Warped(points, *flags)


def test_errors_by_hand_are_the_mean_of_both_directions():
    points0 = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    points1 = torch.tensor([[3.0, 4.0], [10.0, 0.0]])
    in_image1 = warped([[3.0, 4.0], [13.0, 4.0]])
    in_image0 = warped([[0.0, 2.0], [7.0, -4.0]])
    errors = losses.reprojection_errors(points0, points1, in_image1, in_image0)
    expected = [[(0 + 2) / 2, math.sqrt(65)], [(10 + math.hypot(10, 2)) / 2, 5.0]]
    torch.testing.assert_close(errors, torch.tensor(expected))


@given(seeds, sizes, sizes)
@few
def test_errors_are_those_of_a_loop_and_infinite_where_one_point_is_not_seen(seed, n, m):
    generator = np.random.default_rng(seed)
    p, q = generator.uniform(0, 800, (n, 2)), generator.uniform(0, 800, (m, 2))
    p1, q0 = generator.uniform(0, 800, (n, 2)), generator.uniform(0, 800, (m, 2))
    flags = [generator.uniform(size=size) < 0.8 for size in (n, n, m, m)]
    errors = losses.reprojection_errors(
        torch.from_numpy(p), torch.from_numpy(q), warped(p1, *flags[:2]), warped(q0, *flags[2:])
    )
    for i in range(n):
        for j in range(m):
            expected = (math.dist(p1[i], q[j]) + math.dist(p[i], q0[j])) / 2
            if not (flags[0][i] and flags[1][i] and flags[2][j] and flags[3][j]):
                expected = math.inf
            assert float(errors[i, j]) == pytest.approx(expected, rel=1e-9)


def test_errors_of_many_points_far_from_the_origin_are_exact():
    generator = np.random.default_rng(0)
    points = torch.from_numpy(generator.uniform(700, 800, (300, 2))).float()
    moved = points + torch.tensor([0.3, 0.4])
    there, back = warped(points), warped(moved)
    errors = losses.reprojection_errors(points, moved, there, back)
    torch.testing.assert_close(errors.diagonal(), torch.full((300,), 0.5), atol=1e-3, rtol=0)


def test_positives_by_hand_are_mutual_and_near():
    errors = torch.tensor(
        [
            [1.0, 9.0, 2.0, math.inf],  # nearest 0, which has a nearer one in row 1
            [0.5, 9.0, 8.0, math.inf],
            [9.0, 4.9, 6.0, math.inf],
            [9.0, 9.0, 5.0, math.inf],  # nearest 2, whose nearest is row 0
        ]
    )
    assert losses.mutual_positives(errors, 5.0).tolist() == [[1, 0], [2, 1]]
    assert losses.mutual_positives(errors, 4.9).tolist() == [[1, 0]]  # the limit is not below it


@given(seeds, sizes, sizes)
@few
def test_positives_are_those_of_a_loop_and_one_to_one(seed, n, m):
    generator = np.random.default_rng(seed)
    errors = generator.uniform(0, 8, (n, m))
    errors[generator.uniform(size=(n, m)) < 0.3] = np.inf
    expected = [
        [i, j]
        for i in range(n)
        for j in range(m)
        if errors[i, j] < 5
        and all(errors[i, j] <= other for other in errors[i])
        and all(errors[i, j] <= other for other in errors[:, j])
    ]
    found = losses.mutual_positives(torch.from_numpy(errors), 5.0).tolist()
    assert found == expected
    assert len({i for i, _ in found}) == len({j for _, j in found}) == len(found)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_no_points_have_no_positives(shape):
    found = losses.mutual_positives(torch.zeros(shape), 5.0)
    assert found.shape == (0, 2)
    assert found.dtype == torch.int64


def test_equal_errors_still_give_one_partner_each():
    found = losses.mutual_positives(torch.ones(3, 3), 5.0)
    assert len(found) == 1


# --- reprojection loss


def test_reprojection_loss_by_hand():
    points0 = torch.tensor([[0.0, 0.0], [50.0, 50.0], [10.0, 0.0]])
    points1 = torch.tensor([[3.0, 4.0], [10.0, 0.0]])
    in_image1 = warped([[3.0, 4.0], [0.0, 0.0], [13.0, 4.0]])
    in_image0 = warped([[0.0, 2.0], [7.0, -4.0]])
    positives = torch.tensor([[0, 0], [2, 1]])
    loss = losses.reprojection_loss(points0, points1, in_image1, in_image0, positives)
    assert float(loss) == pytest.approx((1.0 + 5.0) / 2)


@given(seeds, sizes, sizes)
@few
def test_reprojection_loss_is_the_mean_error_of_the_positives_from_either_side(seed, n, m):
    generator = np.random.default_rng(seed)
    p, p1 = torch.from_numpy(generator.uniform(0, 99, (2, n, 2)))
    q, q0 = torch.from_numpy(generator.uniform(0, 99, (2, m, 2)))
    positives = random_positives(generator, n, m)
    loss = losses.reprojection_loss(p, q, warped(p1), warped(q0), positives)
    errors = losses.reprojection_errors(p, q, warped(p1), warped(q0))
    expected = np.mean([float(errors[i, j]) for i, j in positives.tolist()])
    assert float(loss) == pytest.approx(expected)
    swapped = losses.reprojection_loss(q, p, warped(q0), warped(p1), positives.flip(1))
    assert float(swapped) == pytest.approx(float(loss))


def test_gradient_of_the_reprojection_loss_is_right():
    generator = np.random.default_rng(0)
    points = [torch.from_numpy(generator.uniform(0, 20, (4, 2))).requires_grad_() for _ in range(4)]

    def loss(p, q, p1, q0):
        positives = torch.tensor([[0, 1], [1, 3], [3, 0]])
        return losses.reprojection_loss(p, q, warped(p1), warped(q0), positives)

    assert torch.autograd.gradcheck(loss, points)


def test_a_perfect_keypoint_has_a_finite_gradient():
    point = torch.tensor([[5.0, 5.0]], requires_grad=True)
    there = Warped(point * 1.0, torch.tensor([True]), torch.tensor([True]))
    loss = losses.reprojection_loss(point, point.detach(), there, there, torch.tensor([[0, 0]]))
    loss.backward()
    assert float(loss.detach()) < 1e-5
    assert point.grad.isfinite().all()


# --- peak loss


def test_peak_loss_by_hand_leaves_out_keypoints_that_are_not_above_the_limit():
    dispersity, scores = torch.tensor([0.2, 0.4, 0.9, 0.8]), torch.tensor([0.5, 0.3, 0.1, 0.0])
    assert float(losses.peak_loss(dispersity, scores)) == pytest.approx(0.3)
    assert float(losses.peak_loss(dispersity, scores - 0.3)) == pytest.approx(0.2)


def test_gradient_of_the_peak_loss_is_right():
    dispersity = torch.tensor([0.2, 0.4, 0.9], dtype=torch.float64, requires_grad=True)
    scores = torch.tensor([0.5, 0.05, 0.3])
    assert torch.autograd.gradcheck(lambda d: losses.peak_loss(d, scores), dispersity)


def test_peak_loss_without_a_keypoint_above_the_limit_is_zero():
    dispersity = torch.tensor([0.7], requires_grad=True)
    loss = losses.peak_loss(dispersity, torch.tensor([0.05]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert dispersity.grad.tolist() == [0]


def test_losses_of_points_without_positives_are_zero_and_can_be_derived():
    points = torch.rand(3, 2, requires_grad=True)
    there = Warped(points, *torch.ones(2, 3, dtype=torch.bool))
    loss = losses.reprojection_loss(points, points, there, there, NONE)
    loss.backward()
    assert float(loss.detach()) == 0
    assert (points.grad == 0).all()
