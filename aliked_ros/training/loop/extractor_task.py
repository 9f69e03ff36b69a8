"""The training of ALIKED itself, from images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from aliked_ros.evaluation.homography.pairs import PlanarPair
from aliked_ros.network.aliked import ALIKED
from aliked_ros.training.loop.initial_network import make_network
from aliked_ros.training.loop.snapshots import matches_picture, score_picture
from aliked_ros.training.loop.task import Validated
from aliked_ros.training.loop.validation import validate
from aliked_ros.training.losses.objective import Objective
from aliked_ros.training.pairs.loading import Batch, batches
from aliked_ros.training.pairs.pair import PairSource
from aliked_ros.training.recipe import TrainingConfig


class ExtractorTask:
    """See `Task`.

    Args:
        config: what and how.
        source: of the training pairs.
        validation: pairs to validate with; without any the last average counts as the best.
    """

    best_by = "matching_score"

    def __init__(
        self, config: TrainingConfig, source: PairSource, validation: Sequence[PlanarPair]
    ) -> None:
        self.config = config
        self._source = source
        self._validation = validation

    def identity(self) -> dict[str, Any]:
        """See `Task`."""
        return asdict(self.config)

    def make_network(self) -> ALIKED:
        """See `Task`."""
        return make_network(self.config)

    def make_objective(self, network: ALIKED) -> Objective:
        """See `Task`."""
        return Objective(network, self.config)

    def batches(self, numbers: range, *, pin_memory: bool) -> Iterator[Batch]:
        """See `Task`."""
        config = self.config
        return batches(
            self._source, numbers, config.batch_pairs, config.num_random, config.seed,
            config.num_workers, pin_memory,
        )  # fmt: skip

    def validate(self, network: ALIKED, device: torch.device) -> Validated:
        """Return the figures of `evaluate homography`."""
        if not self._validation:
            return Validated()
        figures, example = validate(network, self._validation, device)
        pictures = {"score map": score_picture(example), "matches": matches_picture(example)}
        return Validated(figures, pictures)

    def kept(self, network: ALIKED) -> dict[str, Tensor]:
        """Return the parameters in the layout of the released files."""
        return {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
