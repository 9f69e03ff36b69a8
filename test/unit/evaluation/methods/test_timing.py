import numpy as np
import pytest
import torch

from aliked_ros.evaluation.methods import timing
from aliked_ros.evaluation.methods.method import Method
from aliked_ros.evaluation.methods.timing import frames_per_second, time_in_turns
from aliked_ros.structs import Features


def test_runs_take_turns_and_the_second_time_of_the_best_turn_counts():
    log = []
    now_s = iter([0.0, 3.0, 10.0, 11.0, 20.0, 22.0, 30.0, 35.0])
    runs = {"a": lambda: log.append("a"), "b": lambda: log.append("b")}
    assert time_in_turns(runs, 2, lambda: next(now_s)) == {"a": 2.0, "b": 1.0}
    assert log == ["a", "a", "b", "b"] * 2


def test_every_method_gets_the_same_image_of_the_size_of_the_comparison(monkeypatch):
    monkeypatch.setattr(timing, "IMAGE_SIZE", (24, 32))
    seen = []

    def extract(image):
        seen.append(image)
        empty = torch.zeros(0)
        return Features(torch.zeros(0, 2), empty, empty, torch.zeros(0, 4), image.shape[:2])

    methods = [Method(name, name, name, extract) for name in ("a", "b")]
    now_s = iter(range(100))
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    speed = frames_per_second(methods, image, 1, lambda: float(next(now_s)))
    assert speed == {"a": pytest.approx(1), "b": pytest.approx(1)}
    assert {seen_image.shape for seen_image in seen} == {(24, 32, 3)}
    assert all(np.array_equal(seen_image, seen[0]) for seen_image in seen)
