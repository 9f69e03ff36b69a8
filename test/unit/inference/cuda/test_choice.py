"""Kernels that differ from torch, fail or end the process are left out, once and for all."""

from __future__ import annotations

import json

import pytest
import torch

pytest.importorskip("triton")

from kernel_world import fused, reference

from aliked_ros.inference.cuda.choice import MixedStages, try_all
from aliked_ros.inference.cuda.record import Record
from aliked_ros.inference.stages import STAGES


@pytest.fixture(scope="module")
def network(device):
    return fused("aliked-t16", device)


class Kernels:
    """Stages by plain torch in the place of kernels; one of them misbehaves."""

    def __init__(self, network, broken="", fault=None, dtype=torch.float32):
        plain = reference(network, dtype)
        for stage in STAGES:
            setattr(self, stage, getattr(plain, stage))
        self.calls = []
        if broken:
            good = getattr(self, broken)

            def bad(*given):
                self.calls.append(broken)
                result = good(*given)
                return fault(result, given)

            setattr(self, broken, bad)


def outcome(network, tmp_path, broken="", fault=None, dtype=torch.float32):
    record = Record(tmp_path / "kernels" / "one.json")
    kernels = Kernels(network, broken, fault, dtype)
    try_all(kernels, network, dtype, record)
    return record, kernels


def shift_map(result, given):
    result[0].add_(0.01)
    return result


def shift_score(result, given):
    return result + 0.01


def shift_keypoints(result, given):
    given[2].keypoints.add_(0.01)


def spoil_descriptor(result, given):
    given[3].descriptors[0, 5] = torch.nan


def fail(result, given):
    raise RuntimeError("ptxas: out of registers\nmore")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_right_kernels_are_all_proven_and_not_tried_again(network, tmp_path, dtype):
    record, _ = outcome(network, tmp_path, dtype=dtype)
    assert record.proven == set(STAGES)
    assert not record.left_out
    again, kernels = outcome(network, tmp_path, "second", fail, dtype)
    assert again.proven == set(STAGES)
    assert kernels.calls == []


@pytest.mark.parametrize(
    ("stage", "fault"),
    [
        ("first", shift_map), ("second", shift_map), ("third", shift_map), ("fourth", shift_map),
        ("score", shift_score), ("detect", shift_keypoints), ("describe", spoil_descriptor),
    ],
)  # fmt: skip
def test_a_kernel_that_differs_is_left_out_alone(network, tmp_path, stage, fault):
    record, _ = outcome(network, tmp_path, stage, fault)
    assert set(record.left_out) == {stage}
    assert "it differs" in record.left_out[stage] or "each time" in record.left_out[stage]
    assert record.proven == set(STAGES) - {stage}


def test_a_kernel_that_does_not_compile_is_left_out_with_the_reason(network, tmp_path):
    record, _ = outcome(network, tmp_path, "third", fail)
    assert record.left_out == {"third": "RuntimeError: ptxas: out of registers"}


def test_a_kernel_that_races_is_left_out(network, tmp_path):
    numbers = iter((0.0, 1e-5))

    def wander(result, given):
        return result + next(numbers)

    record, _ = outcome(network, tmp_path, "score", wander)
    assert record.left_out == {"score": "it gives other results each time"}


def test_a_kernel_that_ended_the_process_is_left_out_by_the_next_one(network, tmp_path):
    path = tmp_path / "one.json"
    Record(path).begin("third")
    record = Record(path)
    assert "ended a process" in record.left_out["third"]
    assert not record.knows("second")


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"proven": 3}'])
def test_a_broken_record_is_as_good_as_none(tmp_path, content):
    path = tmp_path / "one.json"
    path.write_text(content)
    record = Record(path)
    assert not any(record.knows(stage) for stage in STAGES)
    record.judge("first", "")
    assert json.loads(path.read_text())["proven"] == ["first"]


def test_a_folder_that_cannot_be_written_is_no_problem(tmp_path):
    (tmp_path / "file").write_text("")
    Record(tmp_path / "file" / "one.json").judge("first", "")


def test_stages_that_are_left_out_are_done_by_torch(network):
    plain, kernels = reference(network, torch.float32), Kernels(network)
    kernels.score = "a kernel"
    kernels.third = "another"
    mixed = MixedStages(kernels, plain, {"third": "it differs"})
    assert mixed.score == "a kernel"
    assert mixed.third == plain.third
