"""Detection against max-pooling, loops, and hand-made score maps."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from aliked_ros.network.dkd import (
    detect,
    refine,
    sample_score,
    suppress_by_pooling,
    suppress_non_maxima,
)


def published_suppression(score_map: torch.Tensor) -> torch.Tensor:
    """The published definition with max_pool2d, for (B, H, W)."""

    def pool(values: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(values.unsqueeze(1), 5, stride=1, padding=2).squeeze(1)

    keep = score_map == pool(score_map)
    for _ in range(2):
        suppressed = pool(keep.float()) > 0
        rest = torch.where(suppressed, 0.0, score_map)
        keep = keep | ((rest == pool(rest)) & ~suppressed)
    inner = torch.zeros_like(keep)
    inner[:, 2:-2, 2:-2] = True
    return torch.where(keep & inner, score_map, 0.0)


def refine_by_loop(window: torch.Tensor) -> tuple[float, float, float]:
    """Shift in x and y, and dispersity, of one 5x5 window."""
    weights = [[math.exp(value / 0.1) for value in row] for row in window.tolist()]
    total = sum(map(sum, weights))
    cells = [(x - 2, y - 2, weights[y][x] / total) for y in range(5) for x in range(5)]
    shift_x = sum(x * weight for x, _, weight in cells)
    shift_y = sum(y * weight for _, y, weight in cells)
    spread = sum(w * ((x - shift_x) ** 2 + (y - shift_y) ** 2) / 4 for x, y, w in cells)
    return shift_x, shift_y, spread


@pytest.mark.parametrize("suppress", [suppress_non_maxima, suppress_by_pooling])
@pytest.mark.parametrize("levels", [1 << 20, 8])  # 8: many equal scores
@pytest.mark.parametrize("size", [(40, 31), (5, 5), (1, 1), (3, 40), (4, 9)])
def test_suppression_is_bitwise_that_of_max_pooling(size, levels, suppress):
    torch.manual_seed(0)
    score_map = torch.randint(0, levels, (2, *size)) / levels
    assert torch.equal(suppress(score_map), published_suppression(score_map))


def test_maximum_in_the_shadow_of_a_suppressed_neighbour_is_recovered():
    score_map = torch.full((1, 9, 16), 0.01)
    score_map[0, 4, 4] = 0.9  # suppresses the next
    score_map[0, 4, 6] = 0.6  # would suppress the last, but is no maximum itself
    score_map[0, 4, 8] = 0.5
    peaks = suppress_non_maxima(score_map)
    assert peaks[0, 4, 4] == 0.9
    assert peaks[0, 4, 6] == 0
    assert peaks[0, 4, 8] == 0.5


def test_no_keypoint_lies_within_two_pixels_of_the_border():
    score_map = torch.zeros(1, 12, 12)
    for corner in (0, 1, 10, 11):
        score_map[0, corner, corner] = 0.9
    score_map[0, 2, 9] = 0.8
    detections = detect(score_map, max_keypoints=50, detection_threshold=0.0)
    assert detections.keypoints.round().tolist() == [[[9, 2]]]


def test_refined_keypoint_and_dispersity_match_a_loop():
    torch.manual_seed(0)
    score_map = torch.rand(1, 9, 11)
    keypoints, dispersity = refine(score_map, torch.tensor([[3 * 11 + 5]]))
    shift_x, shift_y, spread = refine_by_loop(score_map[0, 1:6, 3:8])
    expected = torch.tensor([[[5 + shift_x, 3 + shift_y]]])
    torch.testing.assert_close(keypoints, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(dispersity, torch.tensor([[spread]]), atol=1e-5, rtol=0)


def test_pixels_far_behind_the_first_are_told_apart():
    # More pixels than float32 counts one by one.
    score_map = torch.rand(4100, 5).repeat(1, 820).unsqueeze(0)
    row, column = 4097, 4001
    index = torch.tensor([[row * 4100 + column, row * 4100 + column + 1]])
    keypoints, _ = refine(score_map, index)
    left, _ = refine(score_map[:, -9:, -199:], torch.tensor([[6 * 199 + 100, 6 * 199 + 101]]))
    offset = torch.tensor([column - 100, row - 6], dtype=torch.float32)
    torch.testing.assert_close(keypoints - offset, left, atol=1e-3, rtol=0)


def test_dispersity_is_zero_on_a_peak_and_one_on_a_plain():
    peak = torch.zeros(1, 5, 5)
    peak[0, 2, 2] = 10.0
    centre = torch.tensor([[12]])
    assert refine(peak, centre)[1].item() == pytest.approx(0.0, abs=1e-6)
    assert refine(torch.zeros(1, 5, 5), centre)[1].item() == pytest.approx(1.0)


def test_score_is_interpolated_at_the_keypoint():
    score_map = torch.tensor([[[0.0, 1.0], [2.0, 4.0]]])
    keypoints = torch.tensor([[[0.5, 0.5], [1.0, 0.25], [1.5, 1.0]]])
    torch.testing.assert_close(
        sample_score(score_map, keypoints), torch.tensor([[1.75, 1.75, 2.0]])
    )


def test_peak_must_exceed_the_threshold():
    score_map = torch.zeros(1, 9, 20)
    score_map[0, 4, 4], score_map[0, 4, 14] = 0.5, 0.75
    assert detect(score_map, 10, 0.5).keypoints.shape == (1, 1, 2)
    assert detect(score_map, 10, 0.49).keypoints.shape == (1, 2, 2)
    assert detect(score_map, 10, 0.75).keypoints.shape == (1, 0, 2)


def test_map_of_zeros_has_no_keypoint_even_without_threshold():
    assert detect(torch.zeros(2, 20, 20), 10, 0.0).is_valid.shape == (2, 0)


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (4, 50)])
def test_map_within_the_border_has_no_keypoint(size):
    assert detect(torch.rand(1, *size), 10, 0.0).keypoints.shape == (1, 0, 2)


def test_the_highest_peaks_are_kept_and_sorted_by_refined_score():
    torch.manual_seed(0)
    score_map = torch.rand(1, 60, 80)
    everything = detect(score_map, 10_000, 0.0)
    best = detect(score_map, 20, 0.0)
    peaks = suppress_non_maxima(score_map).flatten().sort(descending=True).values
    assert best.keypoints.shape == (1, 20, 2)
    assert everything.keypoints.shape[1] == int((peaks > 0).sum())
    assert (best.scores.diff(dim=1) <= 0).all()
    pixels = (score_map.flatten() >= peaks[19]).nonzero().squeeze(1)
    is_peak = suppress_non_maxima(score_map).flatten()[pixels] > 0
    expected, _ = refine(score_map, pixels[is_peak].unsqueeze(0))
    assert {tuple(p) for p in best.keypoints[0].tolist()} == {
        tuple(p) for p in expected[0].tolist()
    }


def test_image_with_fewer_keypoints_is_filled_up_behind():
    score_map = torch.zeros(2, 12, 30)
    score_map[0, 6, 5], score_map[0, 6, 20], score_map[1, 6, 10] = 0.5, 0.9, 0.7
    detections = detect(score_map, 10, 0.2)
    assert detections.is_valid.tolist() == [[True, True], [True, False]]
    assert detections.scores[1, 1] == 0
    assert detections.keypoints[0, :, 0].round().tolist() == [20, 5]


def test_gradients_of_keypoints_scores_and_dispersity_are_right():
    torch.manual_seed(0)
    score_map = torch.rand(1, 7, 8, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([[2 * 8 + 3, 4 * 8 + 5]])

    def run(score_map: torch.Tensor) -> tuple[torch.Tensor, ...]:
        keypoints, dispersity = refine(score_map, index)
        return keypoints, dispersity, sample_score(score_map, keypoints)

    assert torch.autograd.gradcheck(run, (score_map,))


def test_detections_carry_gradients_to_the_score_map():
    torch.manual_seed(0)
    score_map = torch.rand(2, 30, 30, requires_grad=True)
    detections = detect(score_map, 5, 0.0)
    (detections.keypoints.sum() + detections.dispersity.sum()).backward()
    assert (score_map.grad != 0).any(dim=(1, 2)).all()


def test_a_limit_that_may_change_does_what_a_smaller_number_of_keypoints_does():
    score_map = torch.rand(2, 40, 31, generator=torch.Generator().manual_seed(0))
    found = detect(score_map, 30, 0.2, limit=torch.tensor([7]))
    for one, other in zip(found, detect(score_map, 7, 0.2), strict=True):
        assert torch.equal(one, other)


def test_half_precision_keeps_the_digits_of_neighbouring_scores(seeded_network):
    """Behind the eight channels half precision would give many pixels one and the same score."""
    network = seeded_network.fuse().half()
    sums = torch.rand(1, 8, 64, 64, generator=torch.Generator().manual_seed(0))
    logits = network.score_logits(sums.clone())
    assert logits.dtype == torch.float32
    assert logits.unique().numel() > 0.99 * logits.numel()
