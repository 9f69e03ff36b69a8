"""What recording and replaying need of a GPU: a stream, memory, a capture, an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import torch
from torch import Tensor

Replay = Callable[[], None]


class Machine(Protocol):
    """A device that records work; the tests have one without a GPU.

    Attributes:
        device: as torch names it.
    """

    device: torch.device

    def session(self, after_caller: bool) -> Any:
        """Return a context in which all work goes to the own stream.

        Args:
            after_caller: that work is to wait for what the caller's stream has under way.
        """

    def pinned(self, num_bytes: int) -> Tensor:
        """Return (num_bytes,) uint8 of page-locked host memory."""

    def capture(self, work: Callable[[], None]) -> Replay:
        """Record work that has run once before; return what runs it again.

        Raises:
            RuntimeError: if that fails; everything else goes on working.
        """

    def hand_over(self, results: Tensor) -> None:
        """Let the caller's stream use memory of the own stream."""

    def wait(self) -> None:
        """Wait for the work in the own stream."""

    def make_room(self) -> None:
        """Give memory that is not in use back to the device."""

    def answers(self) -> bool:
        """Return whether the device still computes."""


class CudaMachine:
    """A CUDA device.

    All recordings share one pool of memory, which is safe because they are replayed one at a time
    and their results are copied out in between; and one stream, which is not the default one, so
    that nobody who waits for his own work waits for a frame as well.
    """

    def __init__(self, device: torch.device) -> None:
        index = torch.cuda.current_device() if device.index is None else device.index
        self.device = torch.device("cuda", index)
        with torch.cuda.device(self.device):
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            self._pool = torch.cuda.graph_pool_handle()
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._caller = torch.cuda.default_stream(self.device)

    @contextmanager
    def session(self, after_caller: bool) -> Iterator[None]:
        """See `Machine.session`."""
        self._caller = torch.cuda.current_stream(self.device)
        if after_caller:
            self._stream.wait_stream(self._caller)
        # The device too: page-locked memory would else belong to GPU 0.
        with torch.cuda.device(self.device), torch.cuda.stream(self._stream):
            yield

    def pinned(self, num_bytes: int) -> Tensor:
        """See `Machine.pinned`."""
        return torch.empty(num_bytes, dtype=torch.uint8, pin_memory=True)

    def capture(self, work: Callable[[], None]) -> Replay:
        """See `Machine.capture`."""
        graph = torch.cuda.CUDAGraph()
        self._stream.synchronize()
        # Not torch.cuda.graph(): it collects garbage and empties the cache, which stalls a frame.
        # Other threads, as a tracker's, may go on using the device meanwhile.
        graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
        try:
            try:
                work()
            finally:
                graph.capture_end()
        except BaseException:
            self._leave_pool()
            raise
        return graph.replay

    def _leave_pool(self) -> None:
        """Close the pool after a capture that failed.

        Where ending the capture fails, torch leaves the pool open, and with it takes every
        allocation of this process for part of a capture; an open one can be closed twice.
        """
        core: Any = torch._C
        with suppress(RuntimeError, AttributeError):
            core._cuda_endAllocateToPool(self.device.index, self._pool)

    def hand_over(self, results: Tensor) -> None:
        """See `Machine.hand_over`."""
        results.record_stream(self._caller)

    def wait(self) -> None:
        """See `Machine.wait`."""
        self._done.record(self._stream)
        self._done.synchronize()

    def make_room(self) -> None:
        """See `Machine.make_room`."""
        torch.cuda.empty_cache()

    def answers(self) -> bool:
        """See `Machine.answers`."""
        try:
            with torch.cuda.device(self.device):
                torch.ones(1, device=self.device).add_(1).item()
        except torch.OutOfMemoryError:
            return True
        except RuntimeError:
            return False
        return True
