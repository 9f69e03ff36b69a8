"""Matching does not depend on which image comes first."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from aliked_ros.matching import mutual_nearest_neighbours

# Small whole numbers have exact similarities, many of them equal: the hard case.
rows = st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), max_size=12)


def as_descriptors(values: list[list[int]]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 3)


@given(rows, rows, st.integers(-4, 4))
def test_swapping_the_images_swaps_the_matches(values0, values1, floor):
    descriptors0, descriptors1 = as_descriptors(values0), as_descriptors(values1)
    forward, _ = mutual_nearest_neighbours(descriptors0, descriptors1, floor)
    backward, _ = mutual_nearest_neighbours(descriptors1, descriptors0, floor)
    assert {(i, j) for i, j in forward.tolist()} == {(i, j) for j, i in backward.tolist()}


@given(rows, rows)
def test_matches_are_one_to_one_and_sorted(values0, values1):
    matches, _ = mutual_nearest_neighbours(as_descriptors(values0), as_descriptors(values1), -99)
    index0, index1 = matches[:, 0].tolist(), matches[:, 1].tolist()
    assert index0 == sorted(set(index0))
    assert len(index1) == len(set(index1))
