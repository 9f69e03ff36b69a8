"""Recordings that fail or are wrong, and devices that answer no more."""

from __future__ import annotations

import itertools
import threading

import pytest
import torch
from stand_in_gpu import END, assert_same, image, infer

from aliked_ros.inference.cuda_graph import _FIRST_PAUSE
from aliked_ros.inference.device_loss import DeviceLostError
from aliked_ros.inference.on_cuda import compute_by
from aliked_ros.inference.stages import TorchStages


@pytest.mark.parametrize("problem", ["out of memory", "operation not permitted"])
def test_a_recording_that_fails_is_tried_again_later(machine, fused, direct, problem, caplog):
    inference = infer(machine, fused)
    machine.problem = problem
    for number in range(_FIRST_PAUSE + 1):
        found = inference([image(number % 3)], 20, 0.0)
        assert_same(found, direct([image(number % 3)], 20, 0.0))
    assert machine.calls.count("capture") == machine.calls.count("make room") == 1
    assert problem in caplog.text
    machine.problem = ""
    inference([image(0)], 20, 0.0)
    machine.calls.clear()
    inference([image(1)], 20, 0.0)
    assert machine.calls == ["session", "replay", *END]


def test_each_failure_doubles_the_pause(machine, fused):
    inference = infer(machine, fused)
    machine.problem = "out of memory"
    for _ in range(3 * _FIRST_PAUSE + 2):
        inference([image(0, 8, 8)], 20, 0.0)
    assert machine.calls.count("capture") == 2


def test_a_recording_that_gives_other_results_is_not_used(machine, fused, direct, caplog):
    plain = compute_by(TorchStages(fused, torch.float32))
    num_calls = itertools.count()

    def compute(frame):
        plain(frame)
        if next(num_calls) % 2:  # the replay that checks the recording
            frame.outputs.keypoints.add_(3)

    inference = infer(machine, fused, compute)
    assert_same(inference([image(0)], 20, 0.0), direct([image(0)], 20, 0.0))
    assert "other results" in caplog.text


def test_a_recording_that_does_nothing_is_not_used(machine, fused, direct, caplog):
    machine.capture = lambda work: lambda: None
    inference = infer(machine, fused)
    for number in range(2):
        assert_same(inference([image(number)], 20, 0.0), direct([image(number)], 20, 0.0))
    assert "other results" in caplog.text


def test_two_keypoints_of_equal_score_that_change_places_are_no_other_results(machine, fused):
    plain = compute_by(TorchStages(fused, torch.float32))
    num_calls = itertools.count()

    def compute(frame):
        plain(frame)
        if next(num_calls) % 2:
            for part in (frame.outputs.keypoints, frame.outputs.descriptors):
                part[0, :2] = part[0, :2].flip(0)

    inference = infer(machine, fused, compute)
    inference([image(0)], 20, 0.0)
    machine.calls.clear()
    inference([image(0)], 20, 0.0)
    assert "replay" in machine.calls


def test_an_error_leaves_the_lock_free_and_the_next_image_works(machine, fused):
    inference = infer(machine, fused)
    waits = [RuntimeError("no memory")]
    machine.wait = lambda: (_ for _ in ()).throw(waits.pop()) if waits else None
    with pytest.raises(RuntimeError, match="no memory"):
        inference([image(0)], 20, 0.0)
    done = threading.Event()
    threading.Thread(target=lambda: inference([image(0)], 20, 0.0) and done.set()).start()
    assert done.wait(20)


def test_a_device_that_answers_no_more_is_told_from_an_error_that_passes(machine, fused):
    def fail():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    inference = infer(machine, fused)
    machine.wait = fail
    for _ in range(5):
        with pytest.raises(RuntimeError, match="illegal") as caught:
            inference([image(0)], 20, 0.0)
        assert not isinstance(caught.value, DeviceLostError)
    machine.is_alive = False
    for _ in range(2):
        with pytest.raises(RuntimeError, match="illegal"):
            inference([image(0)], 20, 0.0)
    with pytest.raises(DeviceLostError, match=r"start this process again.*illegal"):
        inference([image(0)], 20, 0.0)
