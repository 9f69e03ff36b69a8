"""What the matcher needs is there before the first image, or the node says what is missing."""

from __future__ import annotations

import torch

from aliked_ros.config import MatcherConfig
from aliked_ros.matching import load_matcher
from aliked_ros.network.released import WeightsError


def prepare_matcher(config: MatcherConfig, device: torch.device) -> None:
    """Load the network of a matcher, if it has one.

    Raises:
        ValueError: if its weights cannot be used.
    """
    try:
        load_matcher(config, device)
    except WeightsError as error:
        raise ValueError(
            f"matcher.kind is {config.kind!r} and matcher.weights is {config.weights!r}: {error}; "
            "or set matcher.kind to 'nearest'"
        ) from error
