"""The pool of memory of recordings, in a torch that counts their uses as the real one does."""

from __future__ import annotations

import pytest
import torch

from aliked_ros.inference import cuda_machine
from aliked_ros.inference.cuda_machine import _Pool


class Allocator:
    """The rules of torch's two allocators, for one of them: pools are counted and opened."""

    def __init__(self):
        self.uses = {}
        self.opened = []

    def begin(self, pool):
        if pool in self.uses and self.uses[pool] == 0:
            raise RuntimeError("INTERNAL ASSERT: use_count > 0")
        self.uses[pool] = self.uses.get(pool, 0) + 1
        if pool in self.opened:
            raise RuntimeError("already recording to mempool_id")
        self.opened.append(pool)

    def end(self, pool):
        if pool not in self.opened:
            raise RuntimeError("not currently recording to mempool_id")
        self.opened.remove(pool)

    def release(self, pool):
        self.uses[pool] -= 1


class Torch:
    """As much of torch as a pool asks for; `is_broken` lets the end of recordings fail."""

    def __init__(self):
        self.device, self.host = Allocator(), Allocator()
        self.is_broken = False
        self.num_pools = 0
        world = self

        class Graph:
            def __init__(self):
                self.has_ended = False

            def capture_begin(self, pool, capture_error_mode):
                self.handle = pool
                world.device.begin(pool)
                world.host.begin(pool)

            def capture_end(self):
                if world.is_broken:
                    raise RuntimeError("operation failed due to a previous error during capture")
                world.device.end(self.handle)
                world.host.end(self.handle)
                self.has_ended = True

            def pool(self):
                if not self.has_ended:
                    raise RuntimeError("pool() without a preceding successful capture")
                return self.handle

            def replay(self):
                pass

            def __del__(self):
                if self.has_ended:
                    world.device.release(self.handle)
                    world.host.release(self.handle)

        self.graph = Graph

    def new_handle(self):
        self.num_pools += 1
        return self.num_pools


@pytest.fixture
def world(monkeypatch):
    world = Torch()
    monkeypatch.setattr(cuda_machine, "_unended", [])
    monkeypatch.setattr(torch.cuda, "CUDAGraph", world.graph)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", world.new_handle)
    core = torch._C
    monkeypatch.setattr(
        core, "_cuda_endAllocateToPool", lambda _, pool: world.device.end(pool), raising=False
    )
    monkeypatch.setattr(
        core, "_cuda_releasePool", lambda _, pool: world.device.release(pool), raising=False
    )
    return world


class Machine(cuda_machine.CudaMachine):
    """A machine of which only the pool is used."""

    def __init__(self):
        self.device = torch.device("cpu")
        self._pool = _Pool(self.device)
        self._stream = self

    def synchronize(self):
        """Stand in for the stream."""


def nothing():
    """Stand in for a frame."""


def fail():
    raise RuntimeError("out of memory")


def test_the_only_size_can_be_recorded_again(world):
    machine = Machine()
    for _ in range(3):
        recording = machine.capture(nothing)
        del recording
    assert world.num_pools == 1
    assert world.device.opened == world.host.opened == []


@pytest.mark.parametrize("is_broken", [False, True])
def test_after_a_recording_that_failed_another_one_works(world, is_broken):
    machine = Machine()
    kept = machine.capture(nothing)
    for _ in range(2):
        world.is_broken = is_broken
        with pytest.raises(RuntimeError):
            machine.capture(fail)
        assert world.device.opened == []  # else nothing that other streams have used is freed
        world.is_broken = False
        machine.capture(nothing)
    del kept
    assert [world.device.uses[pool] for pool in (1, 2)] == [0, 0]  # their memory can go
