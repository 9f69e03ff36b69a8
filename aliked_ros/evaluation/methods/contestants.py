"""The methods of a comparison, each with the features that it has found so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from aliked_ros.evaluation.methods.cache import CachedExtractor
from aliked_ros.evaluation.methods.door import NAMES, open_method
from aliked_ros.evaluation.methods.method import Budget, Method, MethodError
from aliked_ros.matching import match
from aliked_ros.network.released import WeightsError
from aliked_ros.structs import Array, Features, Index, Pixels

ALL = "all"


@dataclass(frozen=True)
class Contestant:
    """A method, and its extraction that remembers what it has seen."""

    method: Method
    extract: CachedExtractor

    def match(
        self, image0: Pixels, image1: Pixels, budget: int | None = None
    ) -> tuple[Array, Array, Index]:
        """Return keypoints (N, 2) and (M, 2), px, and the pairs (K, 2) that the method finds.

        A budget takes the best of what was extracted.
        """
        features0, features1 = (
            _best(features, budget) for features in map(self.extract, (image0, image1))
        )
        return (
            features0.keypoints.numpy().astype(np.float64),
            features1.keypoints.numpy().astype(np.float64),
            match(features0, features1, self.method.matcher).indices.numpy(),
        )


def _best(features: Features, budget: int | None) -> Features:
    if budget is None:
        return features
    return features.select(torch.arange(min(budget, len(features))))


def open_methods(
    specs: str,
    budget: Budget,
    on_missing: Callable[[str], None],
    open_one: Callable[[str, Budget], Method] | None = None,
) -> list[Method]:
    """Return the methods of a comma-separated list, or all that have their weights here.

    Args:
        specs: names as in `open_method`, separated by commas, or ALL.
        budget: of each method.
        on_missing: called with a sentence for each of ALL that cannot be run on this machine.
        open_one: opens a name; defaults to `open_method`.

    Raises:
        MethodError, WeightsError: if a method that was named cannot be run.
        ValueError: if none is left.
    """
    wanted: Iterable[str] = NAMES if specs == ALL else filter(None, specs.split(","))
    methods = []
    for spec in wanted:
        try:
            methods.append((open_one or open_method)(spec, budget))
        except (MethodError, WeightsError) as error:
            if specs != ALL:
                raise
            on_missing(f"left out {spec}: {error}")
    if not methods:
        raise ValueError("no method is left: name at least one with --methods")
    return methods


def with_cache(methods: list[Method], folder: Path, clock: Callable[[], float]) -> list[Contestant]:
    """Return the methods, each with a folder of its own for the features that it finds."""
    return [
        Contestant(method, CachedExtractor(method.extract, folder / method.identity, clock))
        for method in methods
    ]
