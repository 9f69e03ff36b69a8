"""The training of a matcher on the features of an extractor that stays as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aliked_ros.evaluation.homography.pairs import PlanarPair
from aliked_ros.network.lightglue_weights import read_checkpoint
from aliked_ros.network.trainable_lightglue import TrainableLightGlue
from aliked_ros.network.weights import load_some_network
from aliked_ros.training.loop.task import Validated
from aliked_ros.training.matcher.batches import FeatureBatch, prepare
from aliked_ros.training.matcher.feature_pairs import FeaturePairs
from aliked_ros.training.matcher.objective import MatcherObjective
from aliked_ros.training.matcher.teacher import taught_pairs
from aliked_ros.training.matcher.validation import ValidationImages
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
from aliked_ros.training.pairs.loading import load
from aliked_ros.training.pairs.pair import PairSource
from aliked_ros.training.recipe import PairsConfig

# Settings that decide what is in a pool, beside those of the images.
_OF_POOL = (
    "num_keypoints", "detection_threshold", "max_error_px", "min_error_px", "max_nearest_recall",
    "taught", "taught_share",
)  # fmt: skip


class MatcherTask:
    """See `Task`.

    Args:
        config: what and how.
        source: of the training pairs.
        validation: pairs to validate with, or what draws them; without any the last average counts
            as the best.

    Raises:
        ValueError: if the extractor's weights are not found.
    """

    best_by = "f1"

    def __init__(
        self,
        config: MatcherTrainingConfig,
        source: PairSource,
        validation: Sequence[PlanarPair] | PairSource,
    ) -> None:
        self.config = config
        extractor, self._extractor_id = load_some_network(config.model, config.extractor_weights)
        if extractor.model != config.model:
            raise ValueError(
                f"the weights of {config.model} are not found: give them with extractor_weights, "
                f"or set model to {extractor.model} for those that come along"
            )
        self._length = extractor.dim
        self._pairs = FeaturePairs(source, config, self._pool(), taught=taught_pairs(config))
        self._validation = ValidationImages(config, validation) if validation else None

    def _pool(self) -> Path:
        """Return the folder of the pairs that these settings make, which no others share."""
        config = self.config
        names = [one.name for one in fields(PairsConfig) if one.name != "out"] + list(_OF_POOL)
        deciding = {name: getattr(config, name) for name in names}
        text = json.dumps([deciding, self._extractor_id], sort_keys=True)
        root = Path(config.pool).expanduser() if config.pool else Path(config.out) / "pairs"
        return root / hashlib.sha256(text.encode()).hexdigest()[:12]

    def identity(self) -> dict[str, Any]:
        """Return the settings; where the pool lies is free, the features in it are not."""
        settings = asdict(self.config) | {"extractor_weights": self._extractor_id}
        del settings["pool"]
        return {"trains": "matcher"} | settings

    def make_network(self) -> TrainableLightGlue:
        """Return a network with random parameters, or with those of `initial_weights`.

        Raises:
            WeightsError: if that file cannot be read.
            ValueError: if it is of another shape.
        """
        config = self.config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = TrainableLightGlue(self._length, config.width, config.num_layers)
        if config.initial_weights:
            state = read_checkpoint(Path(config.initial_weights).expanduser())
            try:
                network.load_state_dict(state)
            except RuntimeError as error:
                raise ValueError(
                    f"initial_weights is {config.initial_weights!r}: it does not have "
                    f"{config.num_layers} layers of width {config.width} for descriptors of "
                    f"{self._length} numbers: {error}"
                ) from error
        return network

    def make_objective(self, network: TrainableLightGlue) -> MatcherObjective:
        """See `Task`."""
        return MatcherObjective(network, self.config.weight_confidence)

    def batches(self, numbers: range, *, pin_memory: bool) -> Iterator[FeatureBatch]:
        """See `Task`."""
        config = self.config
        make = partial(prepare, pairs=self._pairs, batch_pairs=config.batch_pairs)
        return load(make, numbers, config.num_workers, pin_memory)

    def validate(self, network: TrainableLightGlue, device: torch.device) -> Validated:
        """Return precision, recall and the figures of `evaluate homography`."""
        if self._validation is None:
            return Validated()
        figures = self._validation.score(network.state_dict(), self.config.num_layers)
        return Validated(figures)

    def kept(self, network: TrainableLightGlue) -> dict[str, Tensor]:
        """Return the parameters in half precision, named as in the released file."""
        return {name: v.half().cpu().contiguous() for name, v in network.state_dict().items()}
