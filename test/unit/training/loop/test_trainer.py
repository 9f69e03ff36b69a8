"""The loop: resuming where it stopped, Ctrl-C, the best checkpoint, files that were skipped."""

import itertools
import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import ALONE, draw_photograph, tiny, tiny_source, tiny_task, write_photographs

from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.training.loop import extractor_task
from aliked_ros.training.loop.checkpoints import CheckpointError
from aliked_ros.training.loop.stepper import Stepper, TrainingError
from aliked_ros.training.loop.trainer import BEST, LAST, Trainer
from aliked_ros.training.losses.objective import Objective


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return tiny_source(write_photographs(tmp_path_factory.mktemp("photographs")))


class CtrlC:
    """A clock that interrupts the process while a step waits for its pairs.

    The meter asks it once at the beginning, and in each step twice while it waits and twice when
    it is read.
    """

    def __init__(self, at_step, times=1):
        self.asked, self.at_step, self.times = 0, at_step, times

    def __call__(self):
        self.asked += 1
        if self.asked == 4 * self.at_step - 2:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)
        return float(self.asked)


def _train(config, source, clock=CtrlC(at_step=-1)):  # noqa: B008 (never rings)
    trainer = Trainer(tiny_task(config, source), ALONE, clock)
    trainer.run()
    return trainer


def _same(value, other):
    assert type(value) is type(other)
    if isinstance(value, torch.Tensor):
        assert torch.equal(value, other)
    elif isinstance(value, dict):
        assert value.keys() == other.keys()
        for key in value:
            _same(value[key], other[key])
    elif isinstance(value, list):
        assert len(value) == len(other)
        for one, another in zip(value, other, strict=True):
            _same(one, another)
    else:
        assert value == other


def _checkpoint(folder):
    return torch.load(folder / LAST, weights_only=True)["state"]


def _totals(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["total"]) for line in lines if line["group"] == "train"]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_run_that_was_interrupted_goes_on_to_the_same_bits(tmp_path, source, num_workers):
    whole = tiny(tmp_path / "whole", accumulate=2, final_rate=0.1)
    halves = replace(whole, out=str(tmp_path / "halves"), num_workers=num_workers)
    _train(whole, source)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        _train(halves, source, CtrlC(at_step=3))
    assert signal.getsignal(signal.SIGINT) is before
    assert _checkpoint(tmp_path / "halves")["step"] == 3  # the running step was done first
    _train(halves, source)
    assert _checkpoint(tmp_path / "halves")["step"] == 6
    _same(_checkpoint(tmp_path / "halves"), _checkpoint(tmp_path / "whole"))
    assert _totals(tmp_path / "halves") == _totals(tmp_path / "whole")
    _same(*(torch.load(tmp_path / name / BEST) for name in ("whole", "halves")))


def test_a_second_ctrl_c_ends_at_once_and_keeps_the_last_checkpoint(tmp_path, source):
    config = tiny(tmp_path, save_every=2)
    with pytest.raises(KeyboardInterrupt):
        _train(config, source, CtrlC(at_step=4, times=2))
    assert _checkpoint(tmp_path)["step"] == 2


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(tmp_path, source, monkeypatch):
    whole, killed = tiny(tmp_path / "whole"), tiny(tmp_path / "killed", save_every=2)
    _train(replace(whole, save_every=2), source)
    plain = Stepper.advance

    def fail_in_step_4(self, given):
        if self.step == 3:
            raise MemoryError
        return plain(self, given)

    with monkeypatch.context() as patch:
        patch.setattr(Stepper, "advance", fail_in_step_4)
        with pytest.raises(MemoryError):
            _train(killed, source)
    assert len(_totals(tmp_path / "killed")) == 3
    trainer = Trainer(tiny_task(killed, source), ALONE, CtrlC(-1))
    assert trainer.stepper.step == 2
    trainer.run()
    _same(_checkpoint(tmp_path / "killed"), _checkpoint(tmp_path / "whole"))
    assert _totals(tmp_path / "killed") == _totals(tmp_path / "whole")


def test_a_finished_run_stays_as_it_is(tmp_path, source):
    config = tiny(tmp_path, num_steps=1)
    _train(config, source)
    before = (tmp_path / LAST).read_bytes()
    assert _train(config, source).best == {"step": 1.0}
    assert (tmp_path / LAST).read_bytes() == before


def test_settings_that_decide_the_result_must_stay_and_others_may_change(tmp_path, source):
    config = tiny(tmp_path, num_steps=1)
    _train(config, source)
    free = replace(config, num_workers=1, save_every=7, log_every=3)
    assert Trainer(tiny_task(free, source), ALONE, CtrlC(-1)).stepper.step == 1
    with pytest.raises(CheckpointError, match=r"learning_rate 0\.001, and now it is 0\.5"):
        Trainer(tiny_task(replace(config, learning_rate=0.5), source), ALONE, CtrlC(-1))


def test_the_extractor_reads_the_best_checkpoint(tmp_path, source):
    trainer = _train(tiny(tmp_path, num_steps=2), source)
    given = ExtractorConfig(model="aliked-t16", weights=str(tmp_path / BEST), device="cpu")
    extractor = Extractor(given)
    image = draw_photograph(7, 96, 128)
    features = extractor(image)
    average = trainer.stepper.average.network
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        detections, descriptors = average(pixels, given.max_keypoints, given.detection_threshold)
    assert len(features.keypoints) == int(detections.is_valid.sum()) > 0
    torch.testing.assert_close(features.keypoints, detections.keypoints[0], atol=1e-2, rtol=0)
    torch.testing.assert_close(features.descriptors, descriptors[0], atol=1e-2, rtol=0)


class Validated:
    """Gives a network the next of some scores, and remembers its parameters."""

    def __init__(self, scores):
        self.scores, self.seen = iter(scores), []

    def __call__(self, network, pairs, device):
        self.seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"matching_score": next(self.scores)}, None


def test_the_best_of_all_validations_is_kept(tmp_path, source, monkeypatch):
    validated = Validated([10.0, 30.0, 20.0])
    monkeypatch.setattr(extractor_task, "validate", validated)
    for name in ("score_picture", "matches_picture"):
        monkeypatch.setattr(extractor_task, name, lambda _: np.zeros((4, 4, 3), np.uint8))
    config = tiny(tmp_path, num_steps=5, validate_every=2)
    trainer = Trainer(tiny_task(config, source, ["a pair"]), ALONE, CtrlC(-1))
    assert trainer.run() == {"matching_score": 30.0, "step": 4.0}
    _same(dict(torch.load(tmp_path / BEST)), validated.seen[1])
    assert not torch.equal(validated.seen[1]["conv1.weight"], validated.seen[2]["conv1.weight"])
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    found = [(at["step"], at["matching_score"]) for at in lines if at["group"] == "validation"]
    assert found == [(2, 10.0), (4, 30.0), (5, 20.0)]
    assert Trainer(tiny_task(config, source, ["a pair"]), ALONE, CtrlC(-1)).best["step"] == 4


def test_files_that_were_skipped_are_counted_and_named_also_after_going_on(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 1)
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(b"not a photograph")
    config = tiny(tmp_path / "out", num_steps=20, accumulate=2)
    with pytest.raises(KeyboardInterrupt):
        _train(config, tiny_source(folder), CtrlC(at_step=8))
    trainer = Trainer(tiny_task(config, tiny_source(folder)), ALONE, CtrlC(-1))
    assert sorted(os.path.basename(reason.split(": ")[0]) for reason in trainer.unreadable) == [
        "a.jpg", "b.jpg",
    ]  # fmt: skip
    lines = (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["unreadable_files"] == 2


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_checkpoint(
    tmp_path, source, monkeypatch
):
    plain, step = Objective.forward, itertools.count(1)

    def broken_in_step_3(self, images, uniform, warps):
        terms = plain(self, images, uniform, warps)
        return terms | {"total": terms["total"] * (torch.nan if next(step) == 3 else 1)}

    monkeypatch.setattr(Objective, "forward", broken_in_step_3)
    with pytest.raises(TrainingError, match="step 3: total"):
        _train(tiny(tmp_path, save_every=1), source)
    state = _checkpoint(tmp_path)
    assert state["step"] == 2
    assert all(value.isfinite().all() for value in state["network"].values())
