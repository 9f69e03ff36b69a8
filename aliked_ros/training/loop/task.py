"""What the loop asks of the thing that is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from aliked_ros.structs import Pixels
from aliked_ros.training.pairs.loading import Loaded
from aliked_ros.training.recipe import RunConfig


@dataclass(frozen=True)
class Validated:
    """How good a network is.

    Attributes:
        figures: name -> value; none without images to validate with.
        pictures: name -> (H, W, 3) RGB.
    """

    figures: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, Pixels] = field(default_factory=dict)


class Task(Protocol):
    """A network, what it learns from, its loss, and how good it is.

    Attributes:
        best_by: the figure whose highest value is the best checkpoint's.
    """

    best_by: str

    @property
    def config(self) -> RunConfig:
        """How many steps, and of what."""

    def identity(self) -> dict[str, Any]:
        """Return what decides the result: a run resumes with the same alone."""

    def make_network(self) -> nn.Module:
        """Return the network with the parameters that the training begins with."""

    def make_objective(self, network: Any) -> nn.Module:
        """Return what computes the terms of the loss, "total" among them, of a batch's inputs."""

    def batches(self, numbers: range, *, pin_memory: bool) -> Iterator[Loaded]:
        """Return the batches with the given numbers, the same in every run."""

    def validate(self, network: Any, device: torch.device) -> Validated:
        """Return how good a network in evaluation mode is; it stays as it is."""

    def kept(self, network: Any) -> dict[str, Tensor]:
        """Return what the file of the best checkpoint holds."""
