"""Keypoints by the kernels beside plain torch: ties, plateaus, thresholds, limits, full lists."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("triton")

from kernel_world import LARGE, LOOSE, rows_of

from aliked_ros.inference.cuda import launching
from aliked_ros.inference.cuda.detecting import detect
from aliked_ros.inference.cuda.kernels.peaks import BINS
from aliked_ros.inference.cuda.tuning import choices
from aliked_ros.inference.delivery import packed_length, split_packed
from aliked_ros.inference.stages import Controls, Outputs
from aliked_ros.network import dkd

TUNING = choices(LARGE)


def find(score_map, device, limit=50, threshold=0.0, capacity=64, varies=None, tuning=TUNING):
    """Return the outputs of a batch of score maps (B, H, W)."""
    batch = len(score_map)
    packed = torch.full((batch, packed_length(capacity, 16)), torch.nan, device=device)
    number = torch.zeros(batch, dtype=torch.int32, device=device)
    textured = torch.ones_like(number).fill_(1) if varies is None else varies.to(device)
    controls = Controls(
        torch.full((1,), threshold, device=device),
        torch.full((1,), limit, dtype=torch.int32, device=device),
        number.clone(), textured,
    )  # fmt: skip
    outputs = Outputs(number, packed[:, 0], *split_packed(packed, 16))
    detect(score_map.to(device), controls, outputs, tuning)
    return outputs


def smooth(batch, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 1, height // 3 + 2, width // 3 + 2, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return torch.sigmoid(fine[:, 0] * 4 - 2).contiguous()


def assert_same(outputs, score_map, limit, threshold):
    for image in range(len(score_map)):
        expected = dkd.detect(score_map[image : image + 1], limit, threshold)
        found = rows_of(outputs, image)
        count = int(outputs.num_found[image])
        assert count == int(outputs.header[image]) == int(expected.is_valid.sum())
        torch.testing.assert_close(found[0], expected.keypoints[0], atol=1e-5 * LOOSE, rtol=0)
        torch.testing.assert_close(found[1], expected.scores[0], atol=1e-6 * LOOSE, rtol=0)
        torch.testing.assert_close(found[2], expected.dispersity[0], atol=1e-6 * LOOSE, rtol=0)


@pytest.mark.parametrize(("limit", "threshold"), [(50, 0.0), (7, 0.0), (50, 0.6), (50, 1.0)])
def test_keypoints_are_those_of_torch(limit, threshold, device):
    score_map = smooth(2, 37, 53)
    outputs = find(score_map, device, limit, threshold)
    assert_same(outputs, score_map, limit, threshold)


@pytest.mark.parametrize("size", [(5, 5), (1, 1), (3, 60), (4, 9), (90, 7)])
def test_small_maps_are_no_problem(size, device):
    score_map = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    assert_same(find(score_map, device), score_map, 50, 0.0)


def test_maxima_with_ties_are_those_of_torch(device):
    generator = torch.Generator().manual_seed(0)
    score_map = torch.randint(1, 9, (1, 30, 40), generator=generator) / 9
    peaks = dkd.suppress_non_maxima(score_map)
    outputs = find(score_map, device, limit=2000, capacity=2000)
    assert int(outputs.num_found[0]) == int((peaks > 0).sum())
    expected = dkd.sample_score(
        score_map, dkd.refine(score_map, peaks.flatten(1).nonzero()[:, 1:].T)[0]
    )
    torch.testing.assert_close(
        rows_of(outputs)[1], expected[0].sort(descending=True).values, atol=1e-6 * LOOSE, rtol=0
    )


SCALES = {  # of scores in [0, 1]
    "as they are": lambda scores: scores,
    "below all bins": lambda scores: scores * 1e-7,
    "all in one bin": lambda scores: 0.5 + scores * 1e-3,
    "at the ends of bins": lambda scores: (scores * 256).round() / 256,
}


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("limit", [1, 40, 5000])
def test_the_highest_are_taken_wherever_the_scores_lie(name, limit, device):
    score_map = SCALES[name](smooth(1, 60, 70))
    outputs = find(score_map, device, limit, 0.0, capacity=5120)
    expected = dkd.detect(score_map, limit, 0.0)
    scores, found = expected.scores[0], rows_of(outputs)[1]
    assert len(found) == int(expected.is_valid.sum())
    torch.testing.assert_close(found, scores[: len(found)], atol=1e-6 * LOOSE, rtol=0)


def test_hardly_more_candidates_are_ranked_than_are_taken(device, monkeypatch):
    ranked = []

    def start(name, kernel, grid, given, settings):
        if name == "select":
            ranked.append(int(given[3][0, BINS.value]))
        launching.run(name, kernel, grid, given, settings)

    monkeypatch.setattr(launching, "start", start)
    score_map = smooth(1, 120, 160)
    outputs = find(score_map, device, limit=1000, capacity=1024)
    num_peaks = int(outputs.num_found[0])
    for limit in (0, num_peaks // 2, num_peaks, 1000):
        ranked.clear()
        find(score_map, device, limit, capacity=1024)
        assert min(limit, num_peaks) <= ranked[0] <= min(limit, num_peaks) + 20


def test_numbers_that_are_none_are_no_keypoints(device):
    score_map = smooth(1, 37, 53)
    score_map[0, 20:, 30:] = torch.nan
    keypoints, scores, *_ = rows_of(find(score_map, device))
    is_far = (keypoints < torch.tensor([26.0, 16.0])).any(dim=1)
    assert is_far.any()
    assert scores[is_far].isfinite().all()
    assert len(rows_of(find(torch.full_like(score_map, torch.nan), device))[0]) == 0


def test_of_a_plateau_the_first_pixels_are_taken(device):
    score_map = torch.full((1, 24, 40), 0.5)
    outputs = find(score_map, device, limit=30)
    keypoints = rows_of(outputs)[0]
    assert keypoints.tolist() == [[float(x), 2.0] for x in range(2, 32)]


def test_the_same_list_in_another_order_gives_the_same_keypoints(device):
    score_map = smooth(1, 37, 53)
    other = choices({**LARGE, "peaks": {"block": 128}, "select": {"num_own": 16, "num_others": 32},
                     "order": {"num_own": 16, "num_others": 32}})  # fmt: skip
    for one, another in zip(
        rows_of(find(score_map, device)),
        rows_of(find(score_map, device, tuning=other)),
        strict=True,
    ):
        torch.testing.assert_close(one, another, rtol=0, atol=0, equal_nan=True)


def test_an_image_without_texture_has_no_keypoints(device):
    score_map = smooth(2, 37, 53)
    varies = torch.tensor([0, 1], dtype=torch.int32)
    outputs = find(score_map, device, varies=varies)
    assert outputs.num_found.tolist() == [0, 50]
    assert outputs.keypoints[0].isnan().all()
