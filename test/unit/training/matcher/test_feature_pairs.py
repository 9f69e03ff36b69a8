"""Pairs of images become features with partners; a pool keeps them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import tiny_source, write_photographs

from aliked_ros.training.matcher import feature_pairs
from aliked_ros.training.matcher.batches import collate, prepare
from aliked_ros.training.matcher.feature_pair import FeaturePair
from aliked_ros.training.matcher.feature_pairs import FeaturePairs
from aliked_ros.training.matcher.partners import UNKNOWN
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig

CONFIG = MatcherTrainingConfig(
    extractor_weights="package", num_keypoints=64, size_px=96, max_error_px=3.0
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = write_photographs(tmp_path_factory.mktemp("photographs"))
    return tiny_source(folder, CONFIG)


def same(first, second):
    for name in ("positions", "descriptors", "partner"):
        for one, other in zip(getattr(first, name), getattr(second, name), strict=True):
            assert torch.equal(one, other)


def test_a_pair_has_unit_descriptors_and_partners_both_ways(source, tmp_path):
    pair = FeaturePairs(source, CONFIG, tmp_path)(0)
    counts = [len(partner) for partner in pair.partner]
    assert min(counts) >= 16
    for image in (0, 1):
        assert pair.positions[image].shape == (counts[image], 2)
        assert float(pair.positions[image].abs().max()) <= 1
        assert pair.descriptors[image].dtype == torch.float16
        lengths = pair.descriptors[image].float().norm(dim=1)
        torch.testing.assert_close(lengths, torch.ones(counts[image]), atol=2e-3, rtol=0)
    rows = (pair.partner[0] >= 0).nonzero().squeeze(1)
    assert len(rows) >= 8
    assert torch.equal(pair.partner[1][pair.partner[0][rows]], rows)
    # What belongs together looks alike: better than the mean of all others.
    similarity = pair.descriptors[0].float() @ pair.descriptors[1].float().T
    assert similarity[rows, pair.partner[0][rows]].mean() > similarity.mean() + 0.3


def test_pairs_depend_on_seed_and_number_alone(source, tmp_path):
    pairs = FeaturePairs(source, CONFIG, tmp_path)
    same(pairs(3), FeaturePairs(source, CONFIG, tmp_path)(3))
    assert not torch.equal(pairs(3).positions[0], pairs(4).positions[0])
    assert not list(tmp_path.iterdir())


def test_a_pool_extracts_each_of_its_pairs_once_and_turns_some_of_them(source, tmp_path):
    config = replace(CONFIG, pool_pairs=3)
    first = FeaturePairs(source, config, tmp_path)
    seen = [first(number) for number in range(9)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{n:06}.pt" for n in range(3)]

    def never(image):
        raise AssertionError("it was extracted before")

    again = FeaturePairs(source, config, tmp_path, never)
    for number, pair in enumerate(seen):
        same(again(number), pair)
    starts = {tuple(pair.positions[0][0].tolist()) for pair in seen}
    assert 3 < len(starts) <= 6  # some of them came the other way round


def test_pairs_that_nearest_neighbours_solve_are_left_out(source, tmp_path):
    def recall_of(pair):
        similarity = pair.descriptors[0].float() @ pair.descriptors[1].float().T
        best = similarity.argmax(dim=1)
        is_mutual = similarity.argmax(dim=0)[best] == torch.arange(len(best))
        is_partner = pair.partner[0] >= 0
        return float(((best == pair.partner[0]) & is_mutual & is_partner).sum() / is_partner.sum())

    plain = FeaturePairs(source, CONFIG, tmp_path)
    limit = float(np.median([recall_of(plain(number)) for number in range(10)]))
    hard = FeaturePairs(source, replace(CONFIG, max_nearest_recall=limit), tmp_path)
    assert max(recall_of(hard(number)) for number in range(10)) <= limit + 0.03  # half precision
    assert max(recall_of(plain(number)) for number in range(10)) > limit + 0.03


def test_no_pair_that_is_hard_enough_is_an_error_that_names_the_setting(
    source, tmp_path, monkeypatch
):
    monkeypatch.setattr(feature_pairs, "_MAX_TRIES", 2)
    monkeypatch.setattr(feature_pairs, "nearest_recall", lambda *_: 0.3)
    pairs = FeaturePairs(source, replace(CONFIG, max_nearest_recall=0.25), tmp_path)
    with pytest.raises(ValueError, match=r"find no more than 25%.*raise max_nearest_recall"):
        pairs(0)


def test_nearest_recall_without_partners_is_whole(source):
    extract = feature_pairs.open_extractor(CONFIG)
    features = extract(source.draw(np.random.default_rng(0)).image0)
    partner0 = torch.full((len(features),), UNKNOWN)
    assert feature_pairs.nearest_recall(features, features, partner0) == 1.0
    partner0[:3] = torch.tensor([0, 1, 5])  # two of three
    assert feature_pairs.nearest_recall(features, features, partner0) == pytest.approx(2 / 3)


def test_a_pair_of_the_pool_is_another_one_each_time_and_a_number_repeats_it(source, tmp_path):
    pairs = FeaturePairs(source, replace(CONFIG, pool_pairs=1, variation=1.0), tmp_path)
    same(pairs(4), FeaturePairs(source, replace(CONFIG, pool_pairs=1, variation=1.0), tmp_path)(4))
    starts = {tuple(pairs(number).positions[0][0].tolist()) for number in range(6)}
    assert len(starts) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["000000.pt"]


def test_a_taught_pair_comes_as_often_as_is_asked(source, tmp_path):
    class Taught:
        def draw(self, generator, extract):
            features = extract(source.draw(np.random.default_rng(0)).image0)
            itself = torch.arange(len(features))
            return (features, features), (itself, itself), ("taught",)

    config = replace(CONFIG, taught_share=0.5)
    pairs = FeaturePairs(source, config, tmp_path, taught=[Taught()])
    found = [pairs(number).unreadable == ("taught",) for number in range(30)]
    assert 6 < sum(found) < 24


def test_a_damaged_pair_of_the_pool_is_made_again(source, tmp_path):
    config = replace(CONFIG, pool_pairs=1)
    pair = FeaturePairs(source, config, tmp_path)(0)
    path = tmp_path / "000000.pt"
    path.write_bytes(path.read_bytes()[:100])
    same(FeaturePairs(source, config, tmp_path)(0), pair)
    assert torch.load(path)["partner"][0].dtype == torch.int64


def test_images_without_texture_are_an_error_that_says_what_to_do(source, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_pairs, "_MAX_TRIES", 3)
    pairs = FeaturePairs(source, replace(CONFIG, detection_threshold=0.999), tmp_path)
    with pytest.raises(ValueError, match=r"no pair with 16 keypoints.*lower detection_threshold"):
        pairs(0)


def test_a_batch_is_filled_up_and_says_where(source, tmp_path):
    pairs = FeaturePairs(source, CONFIG, tmp_path)
    batch = prepare(2, pairs, batch_pairs=2)
    expected = [pairs(4), pairs(5)]
    counts = [len(pair.partner[image]) for image in (0, 1) for pair in expected]
    assert batch.is_point.sum(dim=1).tolist() == counts
    assert batch.is_point.shape == batch.partner.shape == batch.positions.shape[:2]
    assert torch.equal(batch.positions[1][: counts[1]], expected[1].positions[0])
    assert torch.equal(batch.partner[2][: counts[2]], expected[0].partner[1])
    short = collate([expected[0], FeaturePair(
        *(tuple(one[:4] for one in getattr(expected[1], name))
          for name in ("positions", "descriptors", "partner"))
    )])  # fmt: skip
    assert short.is_point[1].sum() == 4
    assert set(short.partner[1][4:].tolist()) == {UNKNOWN}
    positions, descriptors, is_point, partner = short.inputs(torch.device("cpu"))
    assert descriptors.dtype == torch.float32
    assert np.isfinite(positions.numpy()).all()
    assert is_point.dtype == torch.bool
    assert partner.dtype == torch.int64
