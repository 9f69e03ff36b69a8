"""A matcher under training -> how many partners it finds in images it never learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from aliked_ros.evaluation.homography.metrics import PairScore, score_pair, summarise
from aliked_ros.evaluation.homography.pairs import PlanarPair
from aliked_ros.matching import mutual_nearest_neighbours
from aliked_ros.network.lightglue import LightGlue
from aliked_ros.structs import Array, Features, Index
from aliked_ros.training.matcher.feature_pairs import FeaturePairs, open_extractor
from aliked_ros.training.matcher.partners import UNKNOWN, partners
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
from aliked_ros.training.pairs.pair import PairSource
from aliked_ros.training.pairs.warps import HomographyWarp

if TYPE_CHECKING:
    from aliked_ros.extractor import Extractor

LONGER_SIDE_PX = 480
_SEED = 0  # the same pairs in every training, so that curves compare


@dataclass(frozen=True, eq=False)
class _Pair:
    """Features of two images, and who of image 1 is the partner of each keypoint of image 0."""

    features: tuple[Features, Features]
    partner0: Index
    H_1_0: Array | None = None  # of images of a plane


class ValidationImages:
    """The features of pairs of images, extracted once.

    Args:
        config: of the extractor, what partners are, and how many pairs are drawn.
        given: of images of a plane, or what draws pairs, always the same ones.
    """

    def __init__(
        self, config: MatcherTrainingConfig, given: Sequence[PlanarPair] | PairSource
    ) -> None:
        self._config = config
        self._given = given
        self._pairs: list[_Pair] = []

    def score(self, state: Mapping[str, Tensor], num_layers: int) -> dict[str, float]:
        """Return the figures of a matcher, all of its layers computed.

        Returns:
            precision: matches that are partners, of those of which that is known, percent;
            recall: partners that are matched, percent; f1: their harmonic mean; nearest_f1: that of
            mutual nearest neighbours; and of images of a plane those of
            `evaluation.homography.metrics.summarise`.

        Raises:
            ValueError: if a source has no pair.
        """
        if not self._pairs:
            self._pairs = self._open()
        network = LightGlue({name: v.float().cpu() for name, v in state.items()}, num_layers)
        with torch.no_grad():
            found = [
                network([pair.features], adaptive=False)[0].indices.numpy() for pair in self._pairs
            ]
        nearest = [
            mutual_nearest_neighbours(first.descriptors, second.descriptors)[0].numpy()
            for first, second in (pair.features for pair in self._pairs)
        ]
        return (
            _rates(self._pairs, found)
            | {"nearest_f1": _rates(self._pairs, nearest)["f1"]}
            | self._planar(found)
        )

    def _open(self) -> list[_Pair]:
        extractor = open_extractor(self._config)
        if isinstance(self._given, Sequence):
            return [self._read(pair, extractor) for pair in self._given]
        pairs = FeaturePairs(self._given, replace(self._config, seed=_SEED), Path(), extractor)
        return [_Pair(*pairs.features(n)) for n in range(self._config.validation_pairs)]

    def _planar(self, found: Sequence[Index]) -> dict[str, float]:
        scores = [
            _score(pair, pair.H_1_0, matches)
            for pair, matches in zip(self._pairs, found, strict=True)
            if pair.H_1_0 is not None
        ]
        return summarise(scores) if scores else {}

    def _read(self, pair: PlanarPair, extractor: Extractor) -> _Pair:
        image0, image1, H_1_0 = pair.load(LONGER_SIDE_PX)
        features0, features1 = extractor(image0), extractor(image1)
        warps = (
            HomographyWarp(torch.from_numpy(H_1_0).float(), features1.image_size),
            HomographyWarp(torch.from_numpy(np.linalg.inv(H_1_0)).float(), features0.image_size),
        )
        limits = (self._config.max_error_px, self._config.min_error_px)
        partner0, _ = partners(features0.keypoints, features1.keypoints, warps, *limits)
        return _Pair((features0, features1), partner0.numpy(), H_1_0)


def _rates(pairs: Sequence[_Pair], found: Sequence[Index]) -> dict[str, float]:
    """Return precision, recall and f1, percent, of matches (K, 2), over all pairs together."""
    num_right = num_known = num_partners = 0
    for pair, matches in zip(pairs, found, strict=True):
        truth = pair.partner0[matches[:, 0]]
        num_right += int((truth == matches[:, 1]).sum())
        num_known += int((truth != UNKNOWN).sum())
        num_partners += int((pair.partner0 >= 0).sum())
    precision, recall = num_right / max(num_known, 1), num_right / max(num_partners, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": 100 * precision, "recall": 100 * recall, "f1": 100 * f1}


def _score(pair: _Pair, H_1_0: Array, matches: Index) -> PairScore:
    first, second = pair.features
    keypoints = first.keypoints.double().numpy(), second.keypoints.double().numpy()
    return score_pair(keypoints, matches, H_1_0, (first.image_size, second.image_size))
