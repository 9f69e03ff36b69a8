"""What recording and replaying need of a GPU: a stream, memory, a capture, an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock
from typing import Any, Protocol

import torch
from torch import Tensor

Replay = Callable[[], None]

_unended: list[Any] = []  # recordings whose end failed


class Mark(Protocol):
    """A place in the work of a device."""

    def set(self) -> None:
        """Put the mark behind the work so far, within a session."""

    def wait(self) -> None:
        """Wait until the device has come to the mark."""


class Machine(Protocol):
    """A device that records work; the tests have one without a GPU.

    Attributes:
        device: as torch names it.
    """

    device: torch.device

    def session(self, after_caller: bool) -> Any:
        """Return a context in which all work goes to the own stream; one at a time.

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
        """Let the caller's stream use memory of the own stream; within a session."""

    def mark(self) -> Mark:
        """Return a new mark."""

    def make_room(self) -> None:
        """Give memory that is not in use back to the device."""

    def answers(self) -> bool:
        """Return whether the device still computes."""


class CudaMachine:
    """A CUDA device; extractors share it, and with it the memory of their frames.

    All recordings share one pool of memory, which is safe because they are replayed one at a time
    and their results are copied out in between; and one stream, which is not the default one, so
    that nobody who waits for his own work waits for a frame as well.

    Args:
        device: with its number.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        with torch.cuda.device(self.device):
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._pool = _Pool(self.device)
        self._lock = Lock()  # what one thread records must not come from another one
        self._caller = torch.cuda.default_stream(self.device)

    @contextmanager
    def session(self, after_caller: bool) -> Iterator[None]:
        """See `Machine.session`.

        Torch's own contexts read and set the stream and the device three times as often.
        """
        with self._lock:
            device_before = torch.cuda.current_device()
            self._caller = torch.cuda.current_stream(self.device.index)
            if after_caller:
                self._stream.wait_stream(self._caller)
            # It sets the device too: page-locked memory would else belong to GPU 0.
            torch.cuda.set_stream(self._stream)
            try:
                yield
            finally:
                torch.cuda.set_stream(self._caller)
                if device_before != self.device.index:
                    torch.cuda.set_device(device_before)

    def pinned(self, num_bytes: int) -> Tensor:
        """See `Machine.pinned`."""
        return torch.empty(num_bytes, dtype=torch.uint8, pin_memory=True)

    def capture(self, work: Callable[[], None]) -> Replay:
        """See `Machine.capture`."""
        self._stream.synchronize()
        try:
            return self._pool.capture(work)
        except BaseException:
            # Torch does not always close a pool after a failure, nor open it again.
            self._pool = _Pool(self.device)
            raise

    def hand_over(self, results: Tensor) -> None:
        """See `Machine.hand_over`."""
        results.record_stream(self._caller)

    def mark(self) -> Mark:
        """See `Machine.mark`."""
        return _Event(self._stream)

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


@cache
def machine_of(index: int) -> CudaMachine:
    """Return the one machine of a GPU."""
    return CudaMachine(torch.device("cuda", index))


class _Event:
    """A mark in a stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]

    def set(self) -> None:
        self._event.record(self._stream)

    def wait(self) -> None:
        self._event.synchronize()


class _Pool:
    """Memory that recordings share; not to be used after one that failed.

    Torch counts the recordings of a pool, and does not take a pool again whose count has fallen
    to 0, which it would with the only image size whenever that is recorded again: so there is one
    recording more, of next to nothing.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._handle = torch.cuda.graph_pool_handle()
        self._first: Any = None

    def capture(self, work: Callable[[], None]) -> Replay:
        """Record what goes to the current stream; return what runs it again."""
        if self._first is None:
            number = torch.zeros(1, device=self._device)
            self._first = self._record(number.zero_), number
        graph = self._record(work)
        return graph.replay

    def _record(self, work: Callable[[], object]) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        try:
            # Not torch.cuda.graph(): it collects garbage and empties the cache, which stalls a
            # frame. Other threads, as a tracker's, may go on using the device meanwhile.
            graph.capture_begin(pool=self._handle, capture_error_mode="thread_local")
            try:
                work()
            finally:
                graph.capture_end()
        except BaseException:
            self._close(graph)
            raise
        return graph

    def _close(self, graph: torch.cuda.CUDAGraph) -> None:
        """Close the pool after a capture that could not be ended.

        Torch leaves it open then: it takes allocations for part of a capture, frees nothing that
        other streams have used, and looks at the graph whenever page-locked memory is asked for.
        """
        try:
            graph.pool()
        except RuntimeError:
            _unended.append(graph)
            core: Any = torch._C
            with suppress(RuntimeError, AttributeError):
                core._cuda_endAllocateToPool(self._device.index, self._handle)
                core._cuda_releasePool(self._device.index, self._handle)
