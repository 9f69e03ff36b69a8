"""The moving average of a network's parameters: steadier than the parameters themselves."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class MovingAverage:
    """Follows a network with a delay.

    Args:
        network: to be followed.
        decay: share of the old average in the new one; in the first steps it is smaller, so that
            the random beginning is soon forgotten. 0: the network itself.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network after its step number `step`, counted from 1."""
        decay = min(self._decay, step / (step + 10))
        pairs = list(
            zip(self.network.state_dict().values(), network.state_dict().values(), strict=True)
        )
        moving = [pair for pair in pairs if pair[0].is_floating_point()]
        averages, values = [one for one, _ in moving], [other for _, other in moving]
        torch._foreach_lerp_(
            averages, values, 1 - decay
        )  # a few launches on a GPU, not some hundred
        for average, value in pairs:
            if not average.is_floating_point():
                average.copy_(value)
