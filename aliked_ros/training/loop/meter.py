"""Means over the steps between two lines of the journal, and how fast they went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Meter:
    """Collects the terms of steps and the time that was spent waiting for pairs.

    Args:
        clock: returns seconds.
        pairs_per_step: of all processes.
    """

    def __init__(self, clock: Callable[[], float], pairs_per_step: int) -> None:
        self._clock = clock
        self._pairs_per_step = pairs_per_step
        self._begin()

    def _begin(self) -> None:
        self._terms: list[dict[str, Tensor]] = []
        self._waited_s = 0.0
        self._since_s = self._clock()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count what happens inside as waiting."""
        begun_s = self._clock()
        yield
        self._waited_s += self._clock() - begun_s

    def add(self, terms: dict[str, Tensor]) -> None:
        """Take the terms of one step; they are read later, so that a GPU is not waited for."""
        self._terms.append(terms)

    def read(self) -> dict[str, float]:
        """Return the means since the last reading, pairs_per_s and waiting_share."""
        elapsed_s = max(self._clock() - self._since_s, 1e-9)
        figures = {
            name: float(torch.stack([terms[name] for terms in self._terms]).mean())
            for name in self._terms[0]
        }
        figures["pairs_per_s"] = len(self._terms) * self._pairs_per_step / elapsed_s
        figures["waiting_share"] = self._waited_s / elapsed_s
        self._begin()
        return figures
