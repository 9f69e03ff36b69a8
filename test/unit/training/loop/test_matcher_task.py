"""A matcher trained by the loop: the loss falls, it beats chance, it resumes to the same bits."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import ALONE, draw_photograph, tiny_source, write_photographs

from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.config import MatcherConfig
from aliked_ros.evaluation.homography.pairs import find_pairs
from aliked_ros.matching import match
from aliked_ros.training.loop.checkpoints import CheckpointError
from aliked_ros.training.loop.matcher_task import MatcherTask
from aliked_ros.training.loop.stepper import Stepper, TrainingError
from aliked_ros.training.loop.trainer import BEST, LAST, Trainer
from aliked_ros.training.matcher.feature_pairs import FeaturePairs
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig

TINY = MatcherTrainingConfig(
    extractor_weights="package", device="cpu", size_px=96, num_keypoints=64, width=64,
    num_layers=2, pool_pairs=6, batch_pairs=2, accumulate=1, warm_up_steps=2, num_steps=6,
    num_workers=0, log_every=1, save_every=100, validate_every=100, learning_rate=2e-3,
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A source of pairs, and a pool that all runs of this file share."""
    folder = write_photographs(tmp_path_factory.mktemp("photographs"))
    return tiny_source(folder, TINY), str(tmp_path_factory.mktemp("pool"))


def task_of(world, out, validation=(), **changes):
    source, pool = world
    config = replace(TINY, out=str(out), pool=pool, **changes)
    return MatcherTask(config, source, validation)


def state_of(folder):
    return torch.load(folder / LAST, weights_only=True)["state"]


def totals_of(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["total"]) for line in lines if line["group"] == "train"]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(world, tmp_path, monkeypatch, num_workers):
    whole = task_of(world, tmp_path / "whole")
    Trainer(whole, ALONE, lambda: 0.0).run()
    halves = task_of(world, tmp_path / "halves", save_every=3, num_workers=num_workers)
    plain = Stepper.advance

    def fail_in_step_5(self, batches):
        if self.step == 4:
            raise TrainingError
        return plain(self, batches)

    with monkeypatch.context() as patch:
        patch.setattr(Stepper, "advance", fail_in_step_5)
        with pytest.raises(TrainingError):
            Trainer(halves, ALONE, lambda: 0.0).run()
    assert state_of(tmp_path / "halves")["step"] == 3
    Trainer(halves, ALONE, lambda: 0.0).run()
    first, second = (state_of(tmp_path / name) for name in ("whole", "halves"))
    for part in ("network", "average"):
        for name, value in first[part].items():
            assert torch.equal(value, second[part][name]), name
    assert totals_of(tmp_path / "whole") == totals_of(tmp_path / "halves")
    files = [torch.load(tmp_path / name / BEST) for name in ("whole", "halves")]
    assert all(torch.equal(value, files[1][name]) for name, value in files[0].items())


def test_the_loss_falls_and_the_matcher_that_is_kept_matches(world, tmp_path):
    # From parameters that know nothing of descriptors, so that all of it is learned.
    task = task_of(world, tmp_path, num_steps=60, learning_rate=3e-3)
    plain = task.make_network

    def ignorant():
        network = plain()
        torch.manual_seed(0)
        torch.nn.init.normal_(network.input_proj.weight, std=0.1)
        for head in network.log_assignment:
            torch.nn.init.normal_(head.final_proj.weight, std=0.1)
        return network

    task.make_network = ignorant
    Trainer(task, ALONE, lambda: 0.0).run()
    totals = [total for _, total in totals_of(tmp_path)]
    assert sum(totals[-5:]) < 0.7 * sum(totals[:5])
    extractor = Extractor(ExtractorConfig("aliked-t16", "package", "cpu", max_keypoints=64))
    image = draw_photograph(11, 200, 240)
    features = extractor(image[:160, :200]), extractor(image[8:168, 12:212])
    found = match(
        *features, MatcherConfig("lightglue", adaptive=False, weights=str(tmp_path / BEST))
    )
    i, j = found.indices.T
    errors = features[0].keypoints[i] - features[1].keypoints[j] - torch.tensor([12.0, 8.0])
    assert len(found) > 10
    # By chance one in some dozens would be right.
    assert float((errors.norm(dim=1) < 3).float().mean()) > 0.5


def test_validation_counts_right_matches_beside_nearest_neighbours(world, tmp_path):
    pairs = find_pairs(write_photographs(tmp_path / "photographs", 2))
    task = task_of(world, tmp_path, pairs, num_steps=1)
    trainer = Trainer(task, ALONE, lambda: 0.0)
    best = trainer.run()
    for name in ("precision", "recall", "f1", "nearest_f1", "MMA@3", "matching_score"):
        assert 0 < best[name] <= 100, name
    # It begins near nearest neighbours.
    assert abs(best["f1"] - best["nearest_f1"]) < 20
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    validation = json.loads(lines[-1])
    assert (validation["group"], validation["step"]) == ("validation", 1)
    hopeless = {
        name: torch.zeros_like(v) for name, v in trainer.stepper.network.state_dict().items()
    }
    figures = task._validation.score(hopeless, TINY.num_layers)
    assert figures["recall"] < 20
    assert np.isfinite(list(figures.values())).all()


def test_validation_draws_the_same_pairs_whatever_the_seed(world, tmp_path):
    views = tiny_source(write_photographs(tmp_path / "photographs", 2), TINY)
    figures = []
    for seed in (0, 1):
        task = task_of(world, tmp_path, views, validation_pairs=3, seed=seed)
        kept = task_of(world, tmp_path).make_network()
        figures.append(task.validate(kept, torch.device("cpu")).figures)
    assert figures[0] == figures[1]
    assert set(figures[0]) == {"precision", "recall", "f1", "nearest_f1"}
    assert abs(figures[0]["f1"] - figures[0]["nearest_f1"]) < 20


def test_what_is_kept_is_half_precision_and_small(world, tmp_path):
    task = task_of(world, tmp_path, width=128, num_layers=3)
    kept = task.kept(task.make_network())
    assert {value.dtype for value in kept.values()} == {torch.float16}
    assert sum(value.numel() * 2 for value in kept.values()) < 4e6


def test_a_training_can_begin_with_a_matcher_that_fits(world, tmp_path):
    begin = task_of(world, tmp_path, seed=5)
    torch.save(begin.kept(begin.make_network()), tmp_path / "begin.pth")
    path = str(tmp_path / "begin.pth")
    network = task_of(world, tmp_path, initial_weights=path).make_network()
    expected = begin.make_network().state_dict()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, expected[name], atol=1e-2, rtol=1e-3)
    with pytest.raises(ValueError, match=r"initial_weights.*3 layers of width 64.*64 numbers"):
        task_of(world, tmp_path, initial_weights=path, num_layers=3).make_network()


def test_other_limits_make_other_pools_and_the_same_ones_share(world, tmp_path):
    def folder(**changes):
        return task_of(world, tmp_path / "a", **changes)._pool()

    assert folder() == task_of(world, tmp_path / "b", learning_rate=0.5)._pool()
    assert len({folder(), folder(max_error_px=2.0), folder(num_keypoints=32), folder(seed=1)}) == 4


def test_a_run_goes_on_with_its_own_settings_and_not_as_an_extractors(world, tmp_path):
    Trainer(task_of(world, tmp_path, num_steps=1), ALONE, lambda: 0.0).run()
    with pytest.raises(CheckpointError, match="width 64, and now it is 128"):
        Trainer(task_of(world, tmp_path, num_steps=1, width=128), ALONE, lambda: 0.0)
    moved = replace(TINY, out=str(tmp_path), pool=str(tmp_path / "moved"), num_steps=1)
    again = Trainer(MatcherTask(moved, world[0], ()), ALONE, lambda: 0.0)
    assert again.stepper.step == 1


def test_weights_that_are_not_found_are_refused(world, tmp_path, monkeypatch):
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("aliked_ros.network.released.RELEASE_URL", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"aliked-n16 are not found.*set model to aliked-t16"):
        task_of(world, tmp_path, model="aliked-n16", extractor_weights="")


def test_pairs_are_drawn_by_the_pool(world, tmp_path, monkeypatch):
    asked = []
    plain = FeaturePairs.__call__
    monkeypatch.setattr(FeaturePairs, "__call__", lambda s, n: asked.append(n) or plain(s, n))
    Trainer(task_of(world, tmp_path, num_steps=2, accumulate=2), ALONE, lambda: 0.0).run()
    assert asked == list(range(8))
