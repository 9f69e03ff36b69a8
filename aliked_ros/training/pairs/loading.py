"""Pairs -> batches: every step has pairs of its own, whenever and wherever it is computed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from aliked_ros.training.pairs.pair import PairSource, TrainingPair
from aliked_ros.training.pairs.warps import Move, Warp

T = TypeVar("T")


class Loaded(Protocol):
    """A batch of any kind."""

    @property
    def unreadable(self) -> list[str]:
        """Files that were skipped, with the reason."""

    def inputs(self, device: torch.device) -> tuple[Any, ...]:
        """Return what an objective takes, on a device."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Pairs that are worked on together.

    Attributes:
        images: (2 B, 3, H, W) uint8 RGB; image 0 of every pair, then image 1.
        uniform: (2 B, R, 2) float32 in [0, 1], where the random points lie.
        warps: of each pair, from image 0 to 1 and from image 1 to 0.
        unreadable: files that were skipped, with the reason.
    """

    images: Tensor
    uniform: Tensor
    warps: list[tuple[Warp, Warp]]
    unreadable: list[str]

    def pin_memory(self) -> Batch:
        """Return the batch in page-locked memory; the data loader calls this, in a thread."""
        return self._moved(lambda tensor: tensor.pin_memory())

    def inputs(self, device: torch.device) -> tuple[Tensor, Tensor, list[tuple[Warp, Warp]]]:
        """Return what `Objective` takes; from page-locked memory the copies are not waited for."""
        there = self._moved(lambda tensor: tensor.to(device, non_blocking=True))
        images = there.images.to(torch.float32) / 255
        return images.contiguous(memory_format=torch.channels_last), there.uniform, there.warps

    def _moved(self, move: Move) -> Batch:
        """Move every tensor once, also those that both directions of a warp share."""
        moved: dict[int, Tensor] = {}

        def once(tensor: Tensor) -> Tensor:
            if id(tensor) not in moved:
                moved[id(tensor)] = move(tensor)
            return moved[id(tensor)]

        warps = [(there.moved(once), back.moved(once)) for there, back in self.warps]
        return Batch(once(self.images), once(self.uniform), warps, self.unreadable)


class MixedPairs:
    """Draws from several sources, each with its share.

    Args:
        sources: with positive weights.
    """

    def __init__(self, sources: Sequence[tuple[PairSource, float]]) -> None:
        self._sources = [source for source, _ in sources]
        weights = np.array([weight for _, weight in sources], float)
        self._cumulative = np.cumsum(weights / weights.sum())

    def draw(self, generator: np.random.Generator) -> TrainingPair:
        """Return a pair of one of the sources."""
        which = int(np.searchsorted(self._cumulative, generator.uniform(), side="right"))
        return self._sources[min(which, len(self._sources) - 1)].draw(generator)


class _Prepared(Dataset["T | ValueError"]):
    """Batch number n is what a function makes of n.

    An error is returned, not raised: on its way out of a worker, torch would put a stack trace into
    its text.
    """

    def __init__(self, prepare: Callable[[int], T]) -> None:
        self._prepare = prepare

    def __getitem__(self, number: int) -> T | ValueError:
        try:
            return self._prepare(number)
        except ValueError as error:
            return ValueError(str(error))


def _draw_batch(
    number: int, source: PairSource, batch_pairs: int, num_random: int, seed: int
) -> Batch:
    """Return batch number n, which depends on the seed and on n alone."""
    generator = np.random.default_rng([seed, number])
    pairs = [source.draw(generator) for _ in range(batch_pairs)]
    images = [pair.image0 for pair in pairs] + [pair.image1 for pair in pairs]
    uniform = generator.uniform(size=(len(images), num_random, 2))
    return Batch(
        torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2),
        torch.from_numpy(uniform.astype(np.float32)),
        [(pair.warp_1_0, pair.warp_0_1) for pair in pairs],
        [reason for pair in pairs for reason in pair.unreadable],
    )


def batches(
    source: PairSource,
    numbers: range,
    batch_pairs: int,
    num_random: int,
    seed: int,
    num_workers: int,
    pin_memory: bool = False,
) -> Iterator[Batch]:
    """Return the batches with the given numbers, prepared ahead by other processes.

    Args:
        source: of the pairs.
        numbers: which batches; each is the same in every run.
        batch_pairs: pairs of a batch.
        num_random: random points of an image.
        seed: of everything that is drawn.
        num_workers: processes; 0 prepares a batch when it is asked for.
        pin_memory: into page-locked memory, from which a GPU reads by itself.

    Raises:
        ValueError: when a batch is taken for which the source has no pair.
    """
    prepare = partial(
        _draw_batch, source=source, batch_pairs=batch_pairs, num_random=num_random, seed=seed
    )
    return load(prepare, numbers, num_workers, pin_memory)


def load(
    prepare: Callable[[int], T], numbers: range, num_workers: int, pin_memory: bool = False
) -> Iterator[T]:
    """Return what a function makes of numbers, made ahead by other processes.

    Args:
        prepare: makes a batch of its number, the same in every run.
        numbers: which batches.
        num_workers: processes; 0 prepares a batch when it is asked for.
        pin_memory: into page-locked memory, from which a GPU reads by itself.

    Raises:
        ValueError: when a batch is taken for which `prepare` raised one.
    """
    loader: DataLoader[T | ValueError] = DataLoader(
        _Prepared(prepare),
        batch_size=None,
        sampler=numbers,
        num_workers=num_workers,
        prefetch_factor=8 if num_workers else None,
        worker_init_fn=_begin_worker if num_workers else None,
        pin_memory=pin_memory,
    )
    return map(_raise_error, iter(loader))


def _raise_error(found: T | ValueError) -> T:
    if isinstance(found, ValueError):
        raise found
    return found


def _begin_worker(_: int) -> None:
    """Keep a loading process from competing with the training for the cores, and alive."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's: it ends its step first
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
