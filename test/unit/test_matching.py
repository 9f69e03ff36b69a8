"""Mutual nearest neighbours against a loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightglue_world import random_features, random_state, shuffled, specified
from torch.nn import functional as F

from aliked_ros.config import MatcherConfig
from aliked_ros.inference.bfloat16 import why_no_bfloat16
from aliked_ros.matching import (
    check_descriptors,
    forget_matchers,
    load_matcher,
    match,
    match_pairs,
    mutual_nearest_neighbours,
)
from aliked_ros.network.released import WeightsError
from aliked_ros.network.trainable_lightglue import TrainableLightGlue
from aliked_ros.structs import Features


def random_descriptors(num: int, seed: int, dim: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(num, dim, generator=generator), dim=1)


def match_by_loop(similarity: list[list[float]], floor: float) -> list[tuple[int, int]]:
    matches = []
    for i, row in enumerate(similarity):
        j = row.index(max(row))
        column = [other[j] for other in similarity]
        if column.index(max(column)) == i and row[j] >= floor:
            matches.append((i, j))
    return matches


def features_of(descriptors: torch.Tensor) -> Features:
    num = len(descriptors)
    return Features(torch.zeros(num, 2), torch.zeros(num), torch.zeros(num), descriptors, (8, 8))


@pytest.mark.parametrize("min_similarity", [-1.0, 0.0, 0.5])
def test_matches_equal_those_of_a_loop(min_similarity):
    descriptors0, descriptors1 = random_descriptors(40, seed=0), random_descriptors(30, seed=1)
    matches, similarities = mutual_nearest_neighbours(descriptors0, descriptors1, min_similarity)
    similarity = descriptors0 @ descriptors1.T
    expected = match_by_loop(similarity.tolist(), min_similarity)
    assert [tuple(pair) for pair in matches.tolist()] == expected
    assert torch.equal(similarities, similarity[matches[:, 0], matches[:, 1]])
    assert len(expected) > 0


def test_shuffled_copies_find_each_other():
    descriptors = random_descriptors(200, seed=0, dim=64)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    matches, similarities = mutual_nearest_neighbours(descriptors[order], descriptors)
    assert torch.equal(matches[:, 0], torch.arange(200))
    assert torch.equal(matches[:, 1], order)
    torch.testing.assert_close(similarities, torch.ones(200))


def test_equal_descriptors_are_matched_once():
    descriptors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    matches, _ = mutual_nearest_neighbours(descriptors, descriptors[[0, 2, 3]])
    assert matches.tolist() == [[0, 0], [2, 1]]


@pytest.mark.parametrize(("num0", "num1"), [(0, 5), (5, 0), (0, 0)])
def test_no_keypoints_gives_empty_matches(num0, num1):
    matches, similarities = mutual_nearest_neighbours(
        random_descriptors(num0, 0), random_descriptors(num1, 1)
    )
    assert matches.shape == (0, 2)
    assert matches.dtype == torch.int64
    assert similarities.shape == (0,)


def test_similarity_at_the_floor_is_kept_and_below_dropped():
    descriptors0 = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    descriptors1 = torch.tensor([[0.5, 0.0], [0.0, 0.25]])
    matches, similarities = mutual_nearest_neighbours(descriptors0, descriptors1, 0.5)
    assert matches.tolist() == [[0, 0]]
    assert similarities.tolist() == [0.5]


def test_descriptors_of_different_models_are_refused():
    with pytest.raises(ValueError, match=r"64 and 128 numbers: extract both"):
        mutual_nearest_neighbours(torch.zeros(2, 64), torch.zeros(2, 128))


def test_features_are_matched_with_the_configured_floor():
    descriptors0, descriptors1 = random_descriptors(40, seed=0), random_descriptors(30, seed=1)
    matches = match(
        features_of(descriptors0), features_of(descriptors1), MatcherConfig(min_similarity=0.7)
    )
    expected, similarities = mutual_nearest_neighbours(descriptors0, descriptors1, 0.7)
    assert torch.equal(matches.indices, expected)
    assert torch.equal(matches.similarities, similarities)
    assert 0 < len(matches) < len(match(features_of(descriptors0), features_of(descriptors1)))


@pytest.fixture
def lightglue(tmp_path):
    """A matcher with small random weights."""
    torch.save(random_state(2), tmp_path / "own.pth")
    return MatcherConfig(kind="lightglue", adaptive=False, weights=str(tmp_path / "own.pth"))


def test_lightglue_is_a_matcher_whose_scores_are_the_similarities(lightglue):
    features0 = random_features(50, 0)
    features1, _ = shuffled(features0)
    found = match(features0, features1, lightglue)
    expected, _ = specified(random_state(2), 2, features0, features1, adaptive=False)
    assert dict(
        zip(map(tuple, found.indices.tolist()), found.similarities.tolist(), strict=True)
    ) == pytest.approx(expected, abs=1e-4)
    assert len(found) > 20


@pytest.mark.parametrize("kind", ["nearest", "lightglue"])
def test_pairs_together_give_what_each_gives_alone(kind, lightglue):
    config = replace(lightglue, kind=kind)
    pairs = [(random_features(n, n), random_features(m, m)) for n, m in ((20, 20), (0, 4), (9, 30))]
    for pair, found in zip(pairs, match_pairs(pairs, config), strict=True):
        alone = match(*pair, config)
        assert torch.equal(found.indices, alone.indices)
        torch.testing.assert_close(found.similarities, alone.similarities)


def test_lightglue_needs_no_weights_where_there_is_nothing_to_match(tmp_path):
    config = MatcherConfig(kind="lightglue", weights=str(tmp_path / "absent.pth"))
    assert len(match(random_features(0, 0), random_features(3, 0), config)) == 0
    with pytest.raises(WeightsError, match=r"absent\.pth"):
        match(random_features(3, 0), random_features(3, 0), config)


def test_a_matcher_that_was_loaded_reads_nothing_more_until_it_is_forgotten(lightglue):
    load_matcher(lightglue, torch.device("cpu"))
    Path(lightglue.weights).unlink()
    pair = (random_features(9, 0), random_features(9, 1))
    match(*pair, lightglue)
    forget_matchers()
    with pytest.raises(WeightsError, match=r"own\.pth"):
        match(*pair, lightglue)


def test_weights_that_are_missing_are_refused_when_a_matcher_is_loaded(tmp_path):
    config = MatcherConfig(kind="lightglue", weights=str(tmp_path / "absent.pth"))
    with pytest.raises(WeightsError, match=r"absent\.pth"):
        load_matcher(config, torch.device("cpu"))
    load_matcher(replace(config, kind="nearest"), torch.device("cpu"))  # needs none


def test_only_lightglue_asks_for_a_length_of_descriptors():
    check_descriptors(MatcherConfig(), 64, "aliked-t16")
    check_descriptors(MatcherConfig(kind="lightglue"), 128, "aliked-n16")
    with pytest.raises(ValueError, match=r"of aliked-t16 have 64 numbers.*128.*aliked-n16"):
        check_descriptors(MatcherConfig(kind="lightglue"), 64, "aliked-t16")


def test_weights_of_your_own_say_which_descriptors_they_take(tmp_path):
    torch.save(TrainableLightGlue(64, 64, 1).state_dict(), tmp_path / "small.pth")
    config = MatcherConfig(kind="lightglue", weights=str(tmp_path / "small.pth"))
    check_descriptors(config, 64, "aliked-t16")
    features = random_features(30, 0, dim=64)
    assert len(match(features, features, config)) > 10
    message = r"of aliked-n16 have 128.*small\.pth takes 64.*model to aliked-t16.*'nearest'"
    with pytest.raises(ValueError, match=message):
        check_descriptors(config, 128, "aliked-n16")
    with pytest.raises(ValueError, match=r"image 0 have 128 numbers"):
        match(random_features(3, 0), random_features(3, 1), config)


def test_descriptors_of_another_length_are_refused_by_lightglue(lightglue):
    with pytest.raises(ValueError, match=r"image 1 have 64 numbers.*128.*aliked-n16.*'nearest'"):
        match(random_features(3, 0), random_features(3, 0, dim=64), lightglue)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_numbers_that_are_not_finite_are_refused_by_lightglue(lightglue, value):
    broken = random_features(3, 0)
    broken.descriptors[1, 2] = value
    with pytest.raises(ValueError, match="image 0 hold numbers that are not finite"):
        match(broken, random_features(3, 0), lightglue)


def test_bfloat16_is_refused_where_it_cannot_be_had(tmp_path, monkeypatch):
    path = tmp_path / "own.pth"
    torch.save(random_state(1), path)
    config = MatcherConfig(kind="lightglue", weights=str(path), precision="bfloat16")
    why = "this processor has no AVX512_BF16 instructions: set precision to 'float32'"
    monkeypatch.setattr("aliked_ros.inference.bfloat16.why_no_bfloat16", lambda *_: why)
    with pytest.raises(ValueError, match=f"^the matcher's precision is 'bfloat16' on 'cpu': {why}"):
        load_matcher(config, torch.device("cpu"))


def test_precisions_have_networks_of_their_own(tmp_path):
    if why_no_bfloat16(torch.device("cpu"), "auto"):
        pytest.skip("no bfloat16 on this machine")
    path = tmp_path / "own.pth"
    torch.save(random_state(2), path)
    features0 = random_features(120, seed=1)
    features1, _ = shuffled(features0)
    exact, rounded = (
        match(
            features0,
            features1,
            MatcherConfig(kind="lightglue", weights=str(path), precision=p, adaptive=False),
        )
        for p in ("float32", "bfloat16")
    )
    assert len(exact) > 60
    assert not torch.equal(exact.similarities, rounded.similarities)
    both = set(map(tuple, exact.indices.tolist())) & set(map(tuple, rounded.indices.tolist()))
    assert len(both) >= 0.98 * max(len(exact), len(rounded))
