"""Batches: the same whenever and by whomever they are prepared."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from training_world import tiny_source, write_photographs

from aliked_ros.training.pairs import loading
from aliked_ros.training.pairs.depth_warp import DepthWarp
from aliked_ros.training.pairs.loading import Batch, MixedPairs, batches
from aliked_ros.training.pairs.pair import TrainingPair
from aliked_ros.training.pairs.warps import HomographyWarp


@dataclass
class Constant:
    """Draws images of one level; image 1 is one level brighter."""

    level: int
    unreadable: tuple[str, ...] = ()

    def draw(self, generator):
        image = np.full((4, 6, 3), self.level, np.uint8)
        image[0, 0] = (7, 8, 9)
        there, back = (HomographyWarp(torch.eye(3) * (self.level + n), (4, 6)) for n in (0, 1))
        return TrainingPair(image, image + 1, there, back, self.unreadable)


@dataclass
class Growing:
    """Draws images whose level is how often it was asked."""

    asked: int = 0

    def draw(self, generator):
        self.asked += 1
        return Constant(self.asked).draw(generator)


def _same(batch, other):
    assert torch.equal(batch.images, other.images)
    assert torch.equal(batch.uniform, other.uniform)
    for pair, others in zip(batch.warps, other.warps, strict=True):
        for warp, its in zip(pair, others, strict=True):
            assert torch.equal(warp.H_b_a, its.H_b_a)
            assert torch.equal(warp.is_covered, its.is_covered)


def test_a_batch_holds_first_all_images_0_and_then_all_images_1():
    (batch,) = batches(Growing(), range(5, 6), 2, 7, seed=0, num_workers=0)
    assert batch.images.shape == (4, 3, 4, 6)
    assert batch.images.dtype == torch.uint8
    assert batch.images[:, 0, 1, 1].tolist() == [1, 2, 2, 3]
    assert batch.images[0, :, 0, 0].tolist() == [7, 8, 9]
    assert [[float(warp.H_b_a[0, 0]) for warp in pair] for pair in batch.warps] == [[1, 2], [2, 3]]
    assert batch.uniform.shape == (4, 7, 2)
    assert batch.uniform.dtype == torch.float32
    assert ((batch.uniform >= 0) & (batch.uniform <= 1)).all()


def test_files_that_were_skipped_come_with_the_batch():
    (batch,) = batches(Constant(1, ("a.jpg: broken",)), range(1), 2, 1, seed=0, num_workers=0)
    assert batch.unreadable == ["a.jpg: broken"] * 2


def test_a_batch_is_the_same_whatever_the_start_the_stride_and_the_number_of_workers(tmp_path):
    source = tiny_source(write_photographs(tmp_path))

    def prepare(numbers, num_workers=0, seed=3):
        return list(batches(source, numbers, 2, 5, seed, num_workers))

    whole = prepare(range(6))
    for given, numbers in (
        (prepare(range(4, 6)), range(4, 6)),
        (prepare(range(1, 6, 2)), range(1, 6, 2)),
        (prepare(range(6), num_workers=2), range(6)),
    ):
        assert len(given) == len(numbers)
        for batch, number in zip(given, numbers, strict=True):
            _same(batch, whole[number])
    assert not torch.equal(whole[0].images, whole[1].images)
    assert not torch.equal(whole[0].uniform, whole[1].uniform)
    assert not torch.equal(whole[0].images, prepare(range(1), seed=4)[0].images)


@pytest.mark.parametrize("weights", [(3.0, 1.0), (0.2, 0.1, 0.7)])
def test_mixed_pairs_come_from_each_source_with_its_share(weights):
    mixed = MixedPairs([(Constant(level), weight) for level, weight in enumerate(weights)])
    generator = np.random.default_rng(0)
    levels = [mixed.draw(generator).image0[1, 1, 0] for _ in range(4000)]
    shares = np.bincount(levels, minlength=len(weights)) / len(levels)
    np.testing.assert_allclose(shares, np.array(weights) / sum(weights), atol=0.03)


def test_mixed_pairs_are_repeated_by_a_seed():
    mixed = MixedPairs([(Constant(1), 0.5), (Constant(2), 0.5)])
    levels = [
        [mixed.draw(generator).image0[1, 1, 0] for _ in range(20)]
        for generator in (np.random.default_rng(5), np.random.default_rng(5))
    ]
    assert levels[0] == levels[1]
    assert set(levels[0]) == {1, 2}


class Exhausted:
    """Has no pair."""

    def draw(self, generator):
        raise ValueError("photographs: nothing can be read")


@pytest.mark.parametrize("num_workers", [0, 1])
def test_an_error_of_the_source_arrives_as_it_was_worded(num_workers):
    prepared = batches(Exhausted(), range(1), 1, 1, seed=0, num_workers=num_workers)
    with pytest.raises(ValueError, match=r"^photographs: nothing can be read$"):
        next(prepared)


def test_every_tensor_of_a_batch_is_moved_once():
    depth0, depth1, K, T = torch.ones(4, 5), torch.ones(4, 5), torch.eye(3), torch.eye(4)
    there = DepthWarp(depth0, depth1, K, K, T, 0.1, 0.0)
    back = DepthWarp(depth1, depth0, K, K, T.inverse(), 0.1, 0.0)
    plane = HomographyWarp(K, (4, 5), torch.ones(4, 5, dtype=torch.bool))
    batch = Batch(torch.ones(4, 3, 4, 5), torch.ones(4, 7, 2), [(there, back), (plane, plane)], [])
    images, uniform, warps = batch.inputs(torch.device("meta"))
    first, second = warps[0]
    assert first.depth_a is second.depth_b
    assert first.depth_b is second.depth_a
    assert warps[1][0].size_b == (4, 5)
    tensors = [images, uniform, first.depth_a, first.depth_b, first.K_a, first.T_b_a,
               second.T_b_a, warps[1][0].H_b_a, warps[1][1].is_covered]  # fmt: skip
    assert {one.device.type for one in tensors} == {"meta"}
    assert batch.images.device.type == "cpu"


def test_batches_are_pinned_for_a_gpu_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(
        loading, "DataLoader", lambda *given, **how: asked.append(how["pin_memory"]) or []
    )
    for pin_memory in (False, True):
        batches(Constant(1), range(1), 1, 1, seed=0, num_workers=0, pin_memory=pin_memory)
    assert asked == [False, True]
