"""A stand-in for the GPU that records and replays, and what its tests share."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import torch

from aliked_ros.inference.cuda_graph import GraphedInference
from aliked_ros.inference.on_cuda import compute_by
from aliked_ros.inference.stages import TorchStages

CPU = torch.device("cpu")
END = ("mark", "hand over", "wait")


class Mark:
    def __init__(self, machine):
        self.set = lambda: machine.calls.append("mark")
        self.wait = lambda: machine.wait()


class StandIn:
    """A machine whose recordings compute again; `problem` is what goes wrong."""

    device = CPU

    def __init__(self):
        self.problem = ""
        self.is_alive = True
        self.calls = []

    @contextmanager
    def session(self, after_caller):
        self.calls.append("session after caller" if after_caller else "session")
        yield

    def pinned(self, num_bytes):
        return torch.empty(num_bytes, dtype=torch.uint8)

    def capture(self, work):
        self.calls.append("capture")
        if self.problem:
            raise RuntimeError(self.problem)

        def replay():
            self.calls.append("replay")
            work()

        return replay

    def hand_over(self, results):
        self.calls.append("hand over")

    def mark(self):
        return Mark(self)

    def wait(self):
        self.calls.append("wait")

    def make_room(self):
        self.calls.append("make room")

    def answers(self):
        return self.is_alive


def infer(machine, fused, compute=None):
    compute = compute or compute_by(TorchStages(fused, torch.float32))
    return GraphedInference("CUDA graphs", {}, compute, fused.dim, machine)


def image(seed, height=48, width=64):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 255, (height, width, 3), dtype=np.uint8)


def assert_same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for name in ("keypoints", "scores", "dispersity", "descriptors"):
            torch.testing.assert_close(getattr(one, name), getattr(other, name), atol=1e-3, rtol=0)
        assert one.image_size == other.image_size
