"""Pairs of features -> batches of one size, with filling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from aliked_ros.training.matcher.feature_pair import FeaturePair
from aliked_ros.training.matcher.partners import UNKNOWN


@dataclass(frozen=True, eq=False)
class FeatureBatch:
    """Pairs that are worked on together; image 0 of every pair, then image 1.

    Attributes:
        positions: (2 B, N, 2) float32.
        descriptors: (2 B, N, D) float16.
        is_point: (2 B, N) bool, False where a row is filling.
        partner: (2 B, N) int64.
        unreadable: files that were skipped, with the reason.
    """

    positions: Tensor
    descriptors: Tensor
    is_point: Tensor
    partner: Tensor
    unreadable: list[str]

    def pin_memory(self) -> FeatureBatch:
        """Return the batch in page-locked memory; the data loader calls this, in a thread."""
        return FeatureBatch(
            self.positions.pin_memory(), self.descriptors.pin_memory(), self.is_point.pin_memory(),
            self.partner.pin_memory(), self.unreadable,
        )  # fmt: skip

    def inputs(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what `MatcherObjective` takes."""
        positions, descriptors, is_point, partner = (
            tensor.to(device, non_blocking=True)
            for tensor in (self.positions, self.descriptors, self.is_point, self.partner)
        )
        return positions, descriptors.float(), is_point, partner


def prepare(number: int, pairs: Callable[[int], FeaturePair], batch_pairs: int) -> FeatureBatch:
    """Return batch number n, of the pairs n * batch_pairs and so on."""
    return collate([pairs(number * batch_pairs + place) for place in range(batch_pairs)])


def collate(pairs: Sequence[FeaturePair]) -> FeatureBatch:
    """Put pairs together."""
    images = [(pair, image) for image in (0, 1) for pair in pairs]
    partner = [pair.partner[image] for pair, image in images]
    return FeatureBatch(
        _padded([pair.positions[image] for pair, image in images]),
        _padded([pair.descriptors[image] for pair, image in images]),
        _padded([torch.ones_like(one, dtype=torch.bool) for one in partner]),
        _padded(partner, UNKNOWN),
        [reason for pair in pairs for reason in pair.unreadable],
    )


def _padded(rows: list[Tensor], filling: float = 0) -> Tensor:
    return pad_sequence(rows, batch_first=True, padding_value=filling)
