"""A pair that was seen before -> one that is new to a matcher, from the same features.

A pool is small beside the steps that are made with it. To a matcher, a pair of which other points
are there, whose images are mirrored, turned, or parts of larger ones, is another one; its partners
are the same.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.training.matcher.feature_pair import FeaturePair
from aliked_ros.training.matcher.partners import UNKNOWN

_MIN_KEPT = 0.6  # of an image's points
_MIN_SIZE = 0.75  # of an image, as a part of the larger one that it is put into
_MAX_TURN_DEG = 20.0  # of both images
_NOISE = 0.02  # of each number of a descriptor


def vary(pair: FeaturePair, generator: np.random.Generator, strength: float) -> FeaturePair:
    """Return a pair with other points, positions and slightly other descriptors.

    Args:
        pair: of features.
        generator: of everything random.
        strength: 0 changes nothing, 1 as much as is meant.
    """
    kept = [_choose(len(partner), generator, strength) for partner in pair.partner]
    mirror = -1.0 if generator.uniform() < 0.5 * min(strength, 1.0) else 1.0
    turn = np.radians(generator.uniform(-1, 1) * strength * _MAX_TURN_DEG)
    cos, sin = np.cos(turn), np.sin(turn)
    both = torch.tensor([[mirror * cos, -sin], [mirror * sin, cos]], dtype=torch.float32)
    positions, descriptors = [], []
    for image, rows in enumerate(kept):
        size = 1 - generator.uniform() * min(strength, 1.0) * (1 - _MIN_SIZE)
        shift = torch.from_numpy(generator.uniform(-1, 1, 2) * (1 - size)).float()
        turned = pair.positions[image][rows] @ both.T
        positions.append(size * turned + shift)
        described = pair.descriptors[image][rows].float()
        noise = torch.from_numpy(generator.normal(size=tuple(described.shape))).float()
        described = F.normalize(described + strength * _NOISE * noise, dim=1)
        descriptors.append(described.to(pair.descriptors[image].dtype))
    partner = (
        _renumbered(pair.partner[0][kept[0]], kept[1], len(pair.partner[1])),
        _renumbered(pair.partner[1][kept[1]], kept[0], len(pair.partner[0])),
    )
    return FeaturePair(
        (positions[0], positions[1]), (descriptors[0], descriptors[1]), partner, pair.unreadable
    )


def _choose(number: int, generator: np.random.Generator, strength: float) -> Tensor:
    """Return which points (K,) int64 stay, in their order."""
    share = 1 - generator.uniform() * min(strength, 1.0) * (1 - _MIN_KEPT)
    count = max(1, round(share * number))
    return torch.from_numpy(np.sort(generator.permutation(number)[:count]))


def _renumbered(partner: Tensor, kept: Tensor, number: int) -> Tensor:
    """Return partners as places among those that stay; nothing is said where one does not."""
    place = torch.full((number,), UNKNOWN)
    place[kept] = torch.arange(len(kept))
    return torch.where(partner >= 0, place[partner.clamp(min=0)], partner)
