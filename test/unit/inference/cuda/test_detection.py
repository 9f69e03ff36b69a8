"""Keypoints by the kernels beside plain torch: ties, plateaus, thresholds, limits, full lists."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("triton")

from kernel_world import LARGE, LOOSE, rows_of

from aliked_ros.inference.cuda.detecting import detect
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
        assert torch.equal(one, another) or one.isnan().all()  # there are no descriptors here


def test_an_image_without_texture_has_no_keypoints(device):
    score_map = smooth(2, 37, 53)
    varies = torch.tensor([0, 1], dtype=torch.int32)
    outputs = find(score_map, device, varies=varies)
    assert outputs.num_found.tolist() == [0, 50]
    assert outputs.keypoints[0].isnan().all()
