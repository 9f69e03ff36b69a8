"""The loss of a batch against the pure losses, put together by hand."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import TINY, write_photographs

from aliked_ros.training.loop.initial_network import make_network
from aliked_ros.training.losses import objective
from aliked_ros.training.losses import terms as losses
from aliked_ros.training.losses.objective import Objective
from aliked_ros.training.losses.points import draw_points
from aliked_ros.training.pairs.homographic import HomographicPairs, ViewRange
from aliked_ros.training.pairs.loading import Batch, batches
from aliked_ros.training.pairs.photographs import Photographs
from aliked_ros.training.pairs.warps import HomographyWarp
from aliked_ros.training.recipe import TrainingConfig

DENSE = replace(TINY, num_detected=60, num_random=60)
TERMS = ("reprojection", "peak", "descriptor", "reliability", "num_positives")


@pytest.fixture(scope="module")
def batch(tmp_path_factory) -> Batch:
    """Two pairs of 64x64 px that differ little, so that there are many positives."""
    folder = write_photographs(tmp_path_factory.mktemp("photographs"))
    views = ViewRange(max_rotation_deg=5, max_scale=1.1, max_slant=0.02, max_shift=0.05)
    source = HomographicPairs(Photographs([folder]), 64, views, appearance=0)
    return next(iter(batches(source, range(1), 2, DENSE.num_random, 0, 0)))


@pytest.fixture(scope="module")
def network():
    """In evaluation mode, so that an image counts the same alone and in company."""
    return make_network(DENSE).eval()


def _compute(network, batch, config: TrainingConfig = DENSE):
    return Objective(network, config)(batch.images / 255, batch.uniform, batch.warps)


def _only(batch, *numbers):
    index = [*numbers, *(len(batch.warps) + number for number in numbers)]
    warps = [batch.warps[number] for number in numbers]
    return Batch(batch.images[index], batch.uniform[index], warps, [])


def _nowhere(batch, number):
    """The batch with a pair that has nothing in common."""
    away = HomographyWarp(torch.tensor([[1.0, 0, 900], [0, 1, 0], [0, 0, 1]]), (64, 64))
    warps = list(batch.warps)
    warps[number] = (away, away)
    return Batch(batch.images, batch.uniform, warps, [])


@pytest.mark.parametrize("descriptor_loss", ["sparse_nre", "triplet"])
def test_terms_of_a_pair_are_the_pure_losses(network, batch, descriptor_loss):
    config = replace(
        DENSE, descriptor_loss=descriptor_loss, descriptor_temperature=0.2,
        reliability_temperature=0.3, max_error_px=6.0, weight_reprojection=2.0, weight_peak=3.0,
        weight_descriptor=4.0, weight_reliability=5.0,
    )  # fmt: skip
    one = _only(batch, 1)
    found = _compute(network, one, config)
    expected = _pure_losses(network, one, config)
    for name in TERMS:
        torch.testing.assert_close(found[name], expected[name].detach())
    weights = dict(zip(TERMS, (2.0, 3.0, 4.0, 5.0), strict=False))
    total = sum(weight * float(expected[name].detach()) for name, weight in weights.items())
    assert float(found["total"].detach()) == pytest.approx(total, rel=1e-5)


def _pure_losses(network, one, config):
    """The terms of a batch of one pair, by the functions of terms.py."""
    pyramid, score_map = network.encode(one.images / 255)
    points, is_kept = draw_points(score_map, config.num_detected, one.uniform)
    descriptors = network.desc_head(pyramid, points.positions)
    (p, q), (s, t), (detected0, detected1), (spread0, spread1), (d, e) = (
        [field[image][is_kept[image]] for image in (0, 1)] for field in (*points, descriptors)
    )
    to_image1, to_image0 = one.warps[0]
    there, back = to_image1(p), to_image0(q)
    errors = losses.reprojection_errors(p, q, there, back)
    positives = losses.mutual_positives(errors, 6.0)
    is_movable = [bool(detected0[i]) and bool(detected1[j]) for i, j in positives.tolist()]
    assert 0 < sum(is_movable) < len(positives)  # random points take part, and do not move
    movable = positives[torch.tensor(is_movable)]
    descriptor = (
        losses.triplet_loss(d, e, positives)
        if config.descriptor_loss == "triplet"
        else losses.sparse_nre_loss(d, e, positives, 0.2)
    )
    peaks = [
        losses.peak_loss(spread[detected], scores[detected])
        for spread, scores, detected in ((spread0, s, detected0), (spread1, t, detected1))
    ]
    return {
        "reprojection": losses.reprojection_loss(p, q, there, back, movable),
        "peak": sum(peaks) / 2,
        "descriptor": descriptor,
        "reliability": losses.reliability_loss(d, e, s, t, positives, 0.3),
        "num_positives": torch.tensor(float(len(positives))),
    }


def test_a_batch_is_the_mean_of_its_pairs(network, batch):
    both = _compute(network, batch)
    alone = [_compute(network, _only(batch, number)) for number in (0, 1)]
    assert all(float(terms["num_positives"]) > 0 for terms in alone)
    for name in ("total", *TERMS):
        mean = torch.stack([terms[name].detach() for terms in alone]).mean()
        torch.testing.assert_close(both[name].detach(), mean, rtol=1e-4, atol=1e-5)


def test_a_pair_without_positives_counts_in_the_peaks_alone(network, batch):
    found = _compute(network, _nowhere(batch, 0))
    alone = [_compute(network, _only(batch, number)) for number in (0, 1)]
    for name in ("reprojection", "descriptor", "reliability"):
        torch.testing.assert_close(found[name], alone[1][name], rtol=1e-4, atol=1e-5)
    mean_peak = (alone[0]["peak"] + alone[1]["peak"]) / 2
    torch.testing.assert_close(found["peak"], mean_peak, rtol=1e-4, atol=1e-5)
    assert float(found["num_positives"]) == float(alone[1]["num_positives"]) / 2


def test_a_batch_without_any_positive_has_gradients_for_every_parameter(batch):
    network = make_network(DENSE).train()
    found = _compute(network, _nowhere(_nowhere(batch, 0), 1))
    assert all(float(found[name]) == 0 for name in TERMS if name != "peak")
    found["total"].backward()
    # Several processes wait for each other's gradient of every parameter.
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_a_pair_whose_only_partners_are_random_points_does_not_dilute_the_reprojection(
    network, batch, monkeypatch
):
    alone = _compute(network, _only(batch, 1))
    plain, calls = draw_points, []

    def without_detections_in_pair_0(*given):
        points, is_kept = plain(*given)
        calls.append(1)
        is_kept = is_kept.clone()
        is_kept[0] &= ~points.is_detected[0]
        return points, is_kept

    monkeypatch.setattr(objective, "draw_points", without_detections_in_pair_0)
    found = _compute(network, batch)
    assert calls
    assert float(found["num_positives"]) > float(alone["num_positives"]) / 2
    torch.testing.assert_close(found["reprojection"], alone["reprojection"], rtol=1e-4, atol=1e-5)


def test_every_learnable_parameter_gets_a_gradient(batch):
    network = make_network(DENSE).train()
    _compute(network, batch)["total"].backward()
    silent = [name for name, p in network.named_parameters() if not (p.grad != 0).any()]
    assert silent == []


@pytest.mark.parametrize("is_mixed", [False, True])
def test_positions_similarities_and_losses_are_float32(network, batch, is_mixed, monkeypatch):
    seen = []

    def recorded(name, plain):
        def call(*given):
            tensors = [value for value in given if isinstance(value, torch.Tensor)]
            seen.append((name, {t.dtype for t in tensors if t.is_floating_point()}))
            assert not torch.is_autocast_enabled("cpu")
            return plain(*given)

        return call

    names = (
        "reprojection_errors", "reprojection_loss", "peak_loss", "sparse_nre_loss",
        "reliability_loss",
    )  # fmt: skip
    for name in names:
        monkeypatch.setattr(losses, name, recorded(name, getattr(losses, name)))
    monkeypatch.setattr(objective, "draw_points", recorded("draw_points", draw_points))
    convolved = []
    hook = network.conv1.register_forward_hook(lambda *given: convolved.append(given[-1].dtype))
    around = torch.autocast("cpu", torch.bfloat16) if is_mixed else nullcontext()
    with around:
        terms = _compute(network, batch)
    hook.remove()
    assert convolved == [torch.bfloat16 if is_mixed else torch.float32]
    assert {name for name, _ in seen} == {*names, "draw_points"}
    assert all(dtypes == {torch.float32} for _, dtypes in seen)
    assert {value.dtype for value in terms.values()} == {torch.float32}


def test_mixed_precision_can_be_derived_and_changes_the_loss_little(batch):
    totals = []
    for around in (nullcontext(), torch.autocast("cpu", torch.bfloat16)):
        network = make_network(DENSE).train()
        with around:
            total = _compute(network, batch)["total"]
        total.backward()
        assert all(p.grad.isfinite().all() for p in network.parameters())
        totals.append(float(total.detach()))
    np.testing.assert_allclose(*totals, rtol=0.1)
    assert totals[0] != totals[1]


class Waits(torch.utils._python_dispatch.TorchDispatchMode):
    """Counts what a GPU would have to be waited for."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        indices = args[1] if name == "index" else ()
        if name in ("nonzero", "_local_scalar_dense", "masked_select") or any(
            one is not None and one.dtype == torch.bool for one in indices
        ):
            self.count += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("descriptor_loss", ["sparse_nre", "triplet"])
def test_a_gpu_is_not_waited_for_pair_by_pair(network, batch, descriptor_loss, monkeypatch):
    config, rows, calls = replace(DENSE, descriptor_loss=descriptor_loss), objective.true_rows, []

    def counted(masks):
        calls.append(len(masks))
        return rows(masks)

    def waits(given):
        calls.clear()
        with Waits() as seen:
            _compute(network, given, config)["total"].backward()
        # One copy of all masks brings their rows; on the CPU, where this runs, each is looked at.
        return seen.count - sum(calls), len(calls)

    monkeypatch.setattr(objective, "true_rows", counted)
    # What is left is the number of detections, which only a CPU asks for.
    assert waits(batch) == waits(_only(batch, 0)) == (1, 3)


def test_rows_that_are_set_are_found_mask_by_mask():
    masks = [torch.tensor([True, False, True]), torch.tensor([False]), torch.tensor([True])]
    assert [found.tolist() for found in objective.true_rows(masks)] == [[0, 2], [], [0]]
