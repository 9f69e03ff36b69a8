"""Bilinear lookups against loops over pixels."""

from __future__ import annotations

import math

import pytest
import torch

from aliked_ros.network.sampling import (
    at_least_float32,
    axis_neighbours,
    bilinear_neighbours,
    to_rows,
    weighted_rows,
)


def value_at(feature_map: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """Interpolate (C, h, w) at one position, cells outside counting as zero."""
    channels, height, width = feature_map.shape
    total = torch.zeros(channels, dtype=feature_map.dtype)
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                weight = (1 - abs(x - column)) * (1 - abs(y - row))
                total += weight * feature_map[:, row, column]
    return total


def test_lookup_inside_on_the_border_and_outside_matches_a_loop():
    feature_map = torch.rand(1, 3, 4, 5, dtype=torch.float64)
    x = torch.tensor([0.0, 1.25, 3.999, 4.0, 4.5, -0.5, -1.0, -3.0, 5.0, 7.5], dtype=torch.float64)
    y = torch.tensor([0.0, 2.5, 3.0, -0.75, 3.5, 1.0, 1.0, 9.0, 3.0, -6.0], dtype=torch.float64)
    index, weights = bilinear_neighbours(x, y, width=5, height=4)
    result = weighted_rows(to_rows(feature_map), index, weights.double())
    positions = torch.stack((x, y), dim=1).tolist()
    expected = torch.stack([value_at(feature_map[0], *position) for position in positions])
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)


def test_neighbours_keep_the_shape_of_the_positions():
    index, weights = bilinear_neighbours(torch.zeros(2, 3), torch.zeros(2, 3), 4, 4)
    assert index.shape == (2, 3, 4)
    assert weights.shape == (2, 3, 4)
    assert index.is_contiguous()


def test_axis_of_a_single_cell_has_one_weight_that_counts():
    cells, weights = axis_neighbours(torch.tensor([0.0]), size=1)
    assert cells.tolist() == [[0], [0]]
    assert weights.tolist() == [[1.0], [0.0]]


def test_rows_follow_image_row_and_column():
    feature_map = torch.arange(2 * 3 * 2 * 2).view(2, 3, 2, 2).float()
    rows = to_rows(feature_map)
    assert torch.equal(rows[1 * 4 + 1 * 2 + 0], feature_map[1, :, 1, 0])


def test_rows_of_a_channels_last_map_are_a_view():
    feature_map = torch.rand(1, 3, 2, 2).to(memory_format=torch.channels_last)
    assert to_rows(feature_map).data_ptr() == feature_map.data_ptr()


def test_no_positions_give_no_rows():
    index, weights = bilinear_neighbours(torch.zeros(0), torch.zeros(0), 4, 4)
    assert weighted_rows(torch.rand(16, 3), index, weights).shape == (0, 3)


def test_gradients_of_rows_and_positions_are_right():
    rows = torch.rand(12, 2, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([0.3, 1.7, -0.4], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.6, 2.2, 1.1], dtype=torch.float64, requires_grad=True)

    def look_up(rows: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        index, weights = bilinear_neighbours(x, y, width=4, height=3)
        return weighted_rows(rows, index, weights)

    assert torch.autograd.gradcheck(look_up, (rows, x, y))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_is_widened_and_nothing_else(given, expected):
    assert at_least_float32(torch.zeros(1, dtype=given)).dtype == expected


def test_a_compiler_sees_the_same_weighted_sum(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(20, 5, generator=generator)
    index = torch.randint(0, 20, (7, 4), generator=generator)
    weights = torch.rand(7, 4, generator=generator)
    expected = weighted_rows(rows, index, weights)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(weighted_rows(rows, index, weights), expected)


def plain_weighted_rows(rows, index, weights):
    """The weighted sum through indexing, whose gradient is autograd's own."""
    return (rows[index] * weights.unsqueeze(-1)).sum(dim=1)


# Rows that several positions share, and one that a position has more than once.
REPEATED = torch.tensor([[0, 1, 2, 3], [3, 3, 3, 3], [1, 1, 5, 0], [4, 4, 4, 1], [1, 1, 5, 0]])


def test_own_gradient_agrees_with_finite_differences_where_rows_repeat():
    rows = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r, w: weighted_rows(r, REPEATED, w), (rows, weights))


@pytest.mark.parametrize(("rows_learn", "weights_learn"), [(True, True), (True, False), (0, 1)])
def test_own_gradient_is_that_of_plain_indexing(rows_learn, weights_learn):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(7, 3, dtype=torch.float64, generator=generator)
    weights = torch.randn(5, 4, dtype=torch.float64, generator=generator)
    towards = torch.randn(5, 3, dtype=torch.float64, generator=generator)
    found = []
    for look_up in (weighted_rows, plain_weighted_rows):
        given = [rows.clone(), weights.clone()]
        for tensor, learns in zip(given, (rows_learn, weights_learn), strict=True):
            tensor.requires_grad_(bool(learns))
        result = look_up(given[0], REPEATED, given[1])
        result.backward(towards)
        found.append((result.detach(), given[0].grad, given[1].grad))
    for value, expected in zip(*found, strict=True):
        assert (value is None) == (expected is None)
        if value is not None:
            torch.testing.assert_close(value, expected)
    if rows_learn:
        assert (found[0][1][6] == 0).all()  # a row that nobody reads
    else:
        assert found[0][1] is None


def test_gradients_of_no_positions_are_zero():
    rows = torch.rand(7, 3, requires_grad=True)
    weights = torch.zeros(0, 4, requires_grad=True)
    weighted_rows(rows, torch.zeros(0, 4, dtype=torch.int64), weights).sum().backward()
    assert (rows.grad == 0).all()
    assert weights.grad.shape == (0, 4)
