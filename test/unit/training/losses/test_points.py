"""Which points the losses look at."""

import torch

from aliked_ros.training.losses.points import SUPPRESSION_PX, draw_points

FLAT = 0.1


def score_map(*peaks, size=(32, 40)):
    """A flat map (1, H, W) with single pixels that stand out: (x, y, score)."""
    ramp = torch.linspace(0, 0.01, size[0] * size[1]).view(1, *size)  # no plateaus
    scores = FLAT + ramp
    for x, y, score in peaks:
        scores[0, y, x] = score
    return scores


def at(*positions, size=(32, 40)):
    """Uniform numbers (1, R, 2) that put random points at pixel positions."""
    return torch.tensor([positions]).float().view(1, -1, 2) / torch.tensor(
        [size[1] - 1.0, size[0] - 1.0]
    )


def kept_positions(scores, num_detected, uniform):
    points, is_kept = draw_points(scores, num_detected, uniform)
    return points.positions[is_kept], points, is_kept


def test_points_are_the_best_detections_and_then_the_random_ones():
    scores = score_map((10, 10, 0.9), (30, 20, 0.8), (20, 10, 0.7))
    kept, points, is_kept = kept_positions(scores, 2, at((5, 25), (0, 0), (39, 31)))
    expected = torch.tensor([[10.0, 10.0], [30.0, 20.0], [5.0, 25.0], [0.0, 0.0], [39.0, 31.0]])
    torch.testing.assert_close(kept, expected, atol=0.02, rtol=0)
    assert points.is_detected.tolist() == [[True, True, False, False, False]]
    assert is_kept.all()
    assert (points.dispersity[0, :2] > 0).all()
    assert (points.dispersity[0, 2:] == 0).all()
    assert 0.8 < float(points.scores[0, 0]) <= 0.9
    torch.testing.assert_close(points.scores[0, 3], scores[0, 0, 0])


def test_a_random_point_beside_a_detection_goes():
    scores = score_map((10, 10, 0.9))
    kept, _, _ = kept_positions(scores, 1, at((11, 11), (13, 13)))
    torch.testing.assert_close(kept, torch.tensor([[10.0, 10.0], [13.0, 13.0]]), atol=0.02, rtol=0)


def test_of_two_points_nearer_than_the_limit_the_higher_score_stays():
    scores = score_map()
    # Scores rise to the right: 1.9 px apart is too near, 2.1 px is not.
    kept, _, _ = kept_positions(scores, 0, at((5.0, 5), (6.9, 5), (20.0, 5), (22.1, 5)))
    torch.testing.assert_close(kept[:, 0], torch.tensor([6.9, 20.0, 22.1]))


def test_of_two_points_with_the_same_score_the_earlier_stays():
    same = torch.full((1, 32, 40), 0.5)
    kept, _, _ = kept_positions(same, 0, at((5, 5), (6, 5), (5, 6), (30, 30), (30, 30)))
    assert kept.round().tolist() == [[5.0, 5.0], [30.0, 30.0]]


def test_kept_points_of_a_random_map_are_apart_and_every_other_has_a_better_neighbour():
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(2, 48, 48, generator=generator)
    uniform = torch.rand(2, 60, 2, generator=generator)
    points, is_kept = draw_points(scores, 40, uniform)
    assert not is_kept.all()
    for positions, values, kept in zip(points.positions, points.scores, is_kept, strict=True):
        for n in range(len(positions)):
            near = [
                m
                for m in range(len(positions))
                if m != n and torch.dist(positions[n], positions[m]) < SUPPRESSION_PX
            ]
            assert bool(kept[n]) == (not any(values[m] > values[n] for m in near))


def test_the_gradient_reaches_positions_and_scores_of_detections():
    scores = score_map((10, 10, 0.9), (11, 10, 0.8)).requires_grad_()
    points, _ = draw_points(scores, 1, at((25, 25)))
    by_position = torch.autograd.grad(points.positions[0, 0, 0], scores, retain_graph=True)[0]
    by_score = torch.autograd.grad(points.scores[0, 1], scores)[0]
    assert float(by_position[0, 10, 11]) > 0  # more weight on the right moves it to the right
    assert float(by_score.sum()) > 0.99
    assert float(by_score[0, 25, 25]) > 0.99


def test_images_with_fewer_detections_are_filled_with_points_that_are_not_kept():
    both = torch.cat([score_map((10, 10, 0.9), (30, 20, 0.8)), torch.zeros(1, 32, 40)])
    both[1, 12, 12] = 0.9
    points, is_kept = draw_points(both, 50, torch.zeros(2, 0, 2))
    assert int(is_kept[1].sum()) == 1
    assert not points.is_detected[1][~is_kept[1]].any()
