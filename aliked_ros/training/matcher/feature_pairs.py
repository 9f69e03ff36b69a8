"""Pairs of images -> the keypoints and descriptors of both, with who is whose partner."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from aliked_ros.config import ExtractorConfig
from aliked_ros.matching import mutual_nearest_neighbours
from aliked_ros.network.lightglue_layers import positions_of
from aliked_ros.structs import Features, Index, Pixels
from aliked_ros.training.matcher.feature_pair import FeaturePair
from aliked_ros.training.matcher.partners import partners
from aliked_ros.training.matcher.variation import vary
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
from aliked_ros.training.pairs.pair import PairSource, TrainingPair

if TYPE_CHECKING:
    from aliked_ros.extractor import Extractor
    from aliked_ros.training.matcher.teacher import TaughtPairs

_MIN_POINTS, _MIN_PARTNERS = 16, 8  # of a pair; with fewer another one is drawn
_MAX_TRIES = 50
_ORDER, _SIDES, _VARIATION = 1, 2, 3  # streams of random numbers beside that of the pairs

Extract = Callable[[Pixels], Features]
Partners = tuple[Tensor, Tensor]


class FeaturePairs:
    """Pair number n, from a pool that is used again and again, or a new one each.

    Args:
        source: of the pairs of images.
        config: keypoints, limits and pool.
        folder: that keeps the pool's pairs, as soon as each has been drawn once.
        extract: image (H, W, 3) to features on the CPU; None: by the configuration, in the process
            that draws.
        taught: sources whose partners a teacher finds.
    """

    def __init__(
        self,
        source: PairSource,
        config: MatcherTrainingConfig,
        folder: Path,
        extract: Extract | None = None,
        taught: Sequence[TaughtPairs] = (),
    ) -> None:
        self._source = source
        self._config = config
        self._folder = folder
        self._extract = extract
        self._taught = taught

    def __call__(self, number: int) -> FeaturePair:
        """Return a pair, which depends on the seed and the number alone.

        Raises:
            ValueError: if the source has none with enough keypoints.
        """
        size, seed = self._config.pool_pairs, self._config.seed
        if not size:
            return self._draw(number)
        lap, place = divmod(number, size)
        found = self._from_pool(int(_order(seed, lap, size)[place]))
        if strength := self._config.variation:
            found = vary(found, np.random.default_rng([seed, _VARIATION, number]), strength)
        # What is learned of one image is learned of the other: half of them come the other way.
        is_turned = np.random.default_rng([seed, _SIDES, number]).uniform() < 0.5
        return found.swapped() if is_turned else found

    def _from_pool(self, number: int) -> FeaturePair:
        path = self._folder / f"{number:06}.pt"
        if path.is_file():
            try:
                return FeaturePair(**torch.load(path, weights_only=True))
            except Exception:  # cut off, or no such file at all: it is drawn and written again
                pass
        pair = self._draw(number)
        _write({name: getattr(pair, name) for name in FeaturePair.__dataclass_fields__}, path)
        return pair

    def features(self, number: int) -> tuple[tuple[Features, Features], Index]:
        """Return the features of a new pair, and who is the partner of each keypoint of image 0.

        Raises:
            ValueError: as of a call.
        """
        images, (partner0, _), _ = self._find(number)
        return images, partner0.numpy()

    def _draw(self, number: int) -> FeaturePair:
        images, found, unreadable = self._find(number)
        first, second = (
            positions_of(one.keypoints, torch.tensor(one.image_size[::-1]).float())
            for one in images
        )
        descriptors = images[0].descriptors.half(), images[1].descriptors.half()
        return FeaturePair((first, second), descriptors, found, unreadable)

    def _find(self, number: int) -> tuple[tuple[Features, Features], Partners, tuple[str, ...]]:
        """Draw pairs until one is good enough: its features, partners and unreadable files."""
        generator = np.random.default_rng([self._config.seed, number])
        if self._taught and generator.uniform() < self._config.taught_share:
            taught = self._taught[int(generator.integers(len(self._taught)))]
            return taught.draw(generator, self._extractor())
        unreadable: list[str] = []
        for _ in range(_MAX_TRIES):
            pair = self._source.draw(generator)
            unreadable += pair.unreadable
            found = self._describe(pair)
            if found is not None:
                return *found, tuple(dict.fromkeys(unreadable))
        raise ValueError(
            f"no pair with {_MIN_POINTS} keypoints in each image and {_MIN_PARTNERS} partners in "
            f"{_MAX_TRIES} tries, of which nearest neighbours find no more than "
            f"{self._config.max_nearest_recall:.0%}: lower detection_threshold, raise "
            "max_nearest_recall, or give images with more texture"
        )

    def _describe(self, pair: TrainingPair) -> tuple[tuple[Features, Features], Partners] | None:
        config, extract = self._config, self._extractor()
        first, second = extract(pair.image0), extract(pair.image1)
        found = partners(
            first.keypoints,
            second.keypoints,
            (pair.warp_1_0, pair.warp_0_1),
            config.max_error_px,
            config.min_error_px,
        )
        if min(len(first), len(second)) < _MIN_POINTS or int((found[0] >= 0).sum()) < _MIN_PARTNERS:
            return None
        if nearest_recall(first, second, found[0]) > config.max_nearest_recall:
            return None
        return (first, second), found

    def _extractor(self) -> Extract:
        if self._extract is None:
            self._extract = open_extractor(self._config)
        return self._extract


def nearest_recall(features0: Features, features1: Features, partner0: Tensor) -> float:
    """Return which part of the partners (N,) nearest neighbours find; 1 if there are none."""
    matches, _ = mutual_nearest_neighbours(features0.descriptors, features1.descriptors)
    num_partners = int((partner0 >= 0).sum())
    is_right = partner0[matches[:, 0]] == matches[:, 1]
    return int(is_right.sum()) / num_partners if num_partners else 1.0


def open_extractor(config: MatcherTrainingConfig) -> Extractor:
    """Return the extractor whose features are learned from, on the CPU."""
    from aliked_ros.extractor import Extractor

    return Extractor(
        ExtractorConfig(
            model=config.model, weights=config.extractor_weights, device="cpu",
            max_keypoints=config.num_keypoints, detection_threshold=config.detection_threshold,
        )
    )  # fmt: skip


@lru_cache(maxsize=2)
def _order(seed: int, lap: int, size: int) -> Any:
    """Return the order (size,) of the pool's pairs in a lap."""
    return np.random.default_rng([seed, _ORDER, lap]).permutation(size)


def _write(value: dict[str, Any], path: Path) -> None:
    """Save whole or not at all; several processes may write the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    torch.save(value, partial)
    partial.replace(path)
