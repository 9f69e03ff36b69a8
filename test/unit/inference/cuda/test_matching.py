"""Mutual nearest neighbours by the kernels beside plain torch."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip("triton")

from kernel_world import LARGE

from aliked_ros.inference.cuda.matching import match_descriptors
from aliked_ros.matching import mutual_nearest_neighbours


def descriptors(num, dim, seed):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(num, dim, generator=generator), dim=1)


@pytest.mark.parametrize(("num0", "num1", "dim"), [(150, 200, 64), (1, 1, 128), (3, 300, 128)])
@pytest.mark.parametrize("min_similarity", [-1.0, 0.9])
def test_matches_are_those_of_torch(num0, num1, dim, min_similarity, device):
    first, second = descriptors(num0, dim, 0), descriptors(num1, dim, 1)
    shared = min(num0, num1) // 2
    second[:shared] = F.normalize(first[:shared] + 0.02 * descriptors(shared, dim, 2), dim=1)
    expected = mutual_nearest_neighbours(first, second, min_similarity)
    found = match_descriptors(first.to(device), second.to(device), min_similarity, LARGE)
    assert torch.equal(found[0].cpu(), expected[0])
    torch.testing.assert_close(found[1].cpu(), expected[1], atol=1e-6, rtol=0)
    assert len(expected[0]) >= shared


def test_of_equal_descriptors_the_first_is_taken_across_blocks(device):
    # Few digits: the products are exact, wherever in a block a descriptor lies.
    generator = torch.Generator().manual_seed(0)
    words = torch.randint(-4, 5, (5, 16), generator=generator) / 16
    first, second = words.repeat(40, 1), words.flip(0).repeat(30, 1)
    found, _ = match_descriptors(first.to(device), second.to(device), -9.0, LARGE)
    similarity = first @ second.T
    expected = []
    for i, row in enumerate(similarity.tolist()):
        j = row.index(max(row))
        column = similarity[:, j].tolist()
        if column.index(max(column)) == i:
            expected.append([i, j])
    assert found.tolist() == expected
    assert 0 < len(expected) <= 5


def test_descriptors_that_are_no_numbers_match_nothing(device):
    first, second = descriptors(70, 16, 0), descriptors(70, 16, 1)
    first[:] = torch.nan
    found, similarities = match_descriptors(first.to(device), second.to(device), -1.0, LARGE)
    assert found.shape == (0, 2)
    assert similarities.shape == (0,)


def test_float32_keeps_its_digits(device):
    """Half precision alone would take the wrong one of two that are nearly equal."""
    first = descriptors(1, 128, 0)
    second = first.repeat(2, 1)
    second[0] = F.normalize(second[0] + 2e-3 * descriptors(1, 128, 1)[0], dim=0)
    for order in ([0, 1], [1, 0]):
        found, _ = match_descriptors(first.to(device), second[order].to(device), 0.0, LARGE)
        assert found.tolist() == [[0, order.index(1)]]


def test_a_launch_leaves_the_notes_of_its_programs_as_it_found_them(device):
    pairs = [(descriptors(n, 16, 0).to(device), descriptors(m, 16, 1).to(device))
             for n, m in ((90, 70), (5, 130), (90, 70), (1, 1), (90, 70))]  # fmt: skip
    for first, second in pairs:
        expected = mutual_nearest_neighbours(first.cpu(), second.cpu())[0]
        assert torch.equal(match_descriptors(first, second, 0.0, LARGE)[0].cpu(), expected)


def test_similarities_below_nought_are_in_order_and_two_noughts_are_equal(device):
    first = torch.tensor([[-1.0, 0.0], [0.0, 1.0]], device=device)
    second = torch.tensor([[0.5, 0.0], [0.25, 0.0], [1.0, -1.0], [-0.0, -1.0]], device=device)
    found, similarities = match_descriptors(first, second, -2.0, LARGE)
    assert found.tolist() == [[0, 3], [1, 0]]
    assert similarities.tolist() == [0.0, 0.0]
