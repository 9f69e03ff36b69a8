"""Launches the kernel that finds mutual nearest neighbours."""

from __future__ import annotations

from functools import cache
from threading import Lock

import torch
from torch import Tensor

from aliked_ros.inference.cuda.kernels.nearest import NO_KEY, match_tiles
from aliked_ros.inference.cuda.launching import launch
from aliked_ros.inference.cuda.tuning import Tuning, blocks, choices

_KEYS_STEP = 4096  # keys that there is room for, a multiple of this
_USUAL = choices()


def match_descriptors(
    descriptors0: Tensor,
    descriptors1: Tensor,
    min_similarity: float,
    overrides: Tuning | None = None,
) -> tuple[Tensor, Tensor]:
    """Do what `mutual_nearest_neighbours` does, without a matrix of similarities.

    Args:
        descriptors0: (N, D) float32 on a GPU, unit rows, N > 0.
        descriptors1: (M, D) float32, likewise.
        min_similarity: pairs below are dropped.
        overrides: other cuts than the usual ones, by launch.

    Returns:
        matches: (K, 2) int64, sorted by the first column.
        similarities: (K,) float32.
    """
    device = descriptors0.device
    tuning = choices(overrides) if overrides else _USUAL
    if device.type != "cuda" or device.index == torch.cuda.current_device():
        return _match(descriptors0, descriptors1, min_similarity, tuning)
    with torch.cuda.device(device):  # kernels start on the current device
        return _match(descriptors0, descriptors1, min_similarity, tuning)


def _match(
    descriptors0: Tensor, descriptors1: Tensor, min_similarity: float, tuning: Tuning
) -> tuple[Tensor, Tensor]:
    num0, num1, dim = len(descriptors0), len(descriptors1), descriptors0.shape[1]
    choice, device = tuning["match"], descriptors0.device
    matches = torch.empty((num0, 2), dtype=torch.int64, device=device)
    similarities = torch.empty(num0, device=device)
    notes = _notes_of(device)
    with notes.lock:
        keys0, keys1 = notes.keys(num0, num1)
        launch(
            "match", match_tiles, (blocks(num0, choice["block"]), blocks(num1, choice["block"])),
            choice, _aligned(descriptors0), _aligned(descriptors1), keys0, keys1, notes.ticket,
            matches, similarities, notes.count, num0, num1, float(min_similarity),
            dim=dim, padded=blocks(dim, choice["depth"]) * choice["depth"],
        )  # fmt: skip
        num = notes.wait()
    return matches[:num], similarities[:num]


class _Notes:
    """What the programs of a launch tell each other; as they leave it the next launch finds it.

    Launches in one stream come one after the other, so that each stream has notes of its own.

    Args:
        device: where the keys are.
        stream: of the launches; None without a GPU.

    Attributes:
        lock: to be held from a launch until its count was read.
        ticket: (1,) int32.
        count: (1,) int32, of the pairs; in host memory that the GPU writes to by itself.
    """

    def __init__(self, device: torch.device, stream: torch.cuda.Stream | None) -> None:
        self.lock = Lock()
        self.ticket = torch.zeros(1, dtype=torch.int32, device=device)
        self.count = torch.zeros(1, dtype=torch.int32, pin_memory=stream is not None)
        self._seen = self.count.numpy()
        self._stream = stream
        self._keys = [self.ticket.new_empty(0, dtype=torch.int64)] * 2

    def keys(self, *nums: int) -> list[Tensor]:
        """Return memory for at least as many keys of both sides."""
        for side, num in enumerate(nums):
            if len(self._keys[side]) < num:
                shape = (blocks(num, _KEYS_STEP) * _KEYS_STEP,)
                self._keys[side] = self._keys[side].new_full(shape, NO_KEY.value)
        return self._keys

    def wait(self) -> int:
        """Return the count, when it is there; the only point where the GPU is waited for."""
        if self._stream is not None:
            self._stream.synchronize()
        return int(self._seen[0])


def _notes_of(device: torch.device) -> _Notes:
    """Return the notes of the current stream of a device."""
    if device.type != "cuda":
        return _new_notes(device, None)
    return _new_notes(device, torch.cuda.current_stream(device))


@cache
def _new_notes(device: torch.device, stream: torch.cuda.Stream | None) -> _Notes:
    return _Notes(device, stream)


def _aligned(descriptors: Tensor) -> Tensor:
    """Return contiguous rows that begin at a multiple of 16 bytes."""
    rows = descriptors.detach().contiguous()
    return rows if rows.data_ptr() % 16 == 0 else rows.clone()
