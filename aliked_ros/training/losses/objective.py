"""Image pairs and their warps -> the loss of the network: the method on one page."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aliked_ros.network.aliked import ALIKED
from aliked_ros.training.losses import terms as losses
from aliked_ros.training.losses.points import Points, draw_points
from aliked_ros.training.pairs.warps import Warp
from aliked_ros.training.recipe import TrainingConfig


class Objective(nn.Module):
    """Computes the loss of a batch; a module, so that DistributedDataParallel can wrap it.

    Args:
        network: to be trained.
        config: weights, temperatures and numbers of points.
    """

    def __init__(self, network: ALIKED, config: TrainingConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config

    def forward(
        self, images: Tensor, uniform: Tensor, warps: Sequence[tuple[Warp, Warp]]
    ) -> dict[str, Tensor]:
        """Return the terms of a batch, each the mean of its pairs.

        Args:
            images: (2 B, 3, H, W) float, RGB in [0, 1]; image 0 of every pair, then image 1.
            uniform: (2 B, R, 2) in [0, 1], the random points.
            warps: of each pair, from image 0 to 1 and from image 1 to 0.

        Returns:
            total: the weighted sum, with gradient, float32 under autocast too.
            reprojection (px), peak, descriptor, reliability, num_positives: without. A pair without
            positives counts in peak and num_positives only.
        """
        exact = torch.autocast(images.device.type, enabled=False)
        pyramid, score_map = self.network.encode(images)
        with exact:  # half precision has a quarter of a pixel at best, and few digits for the rest
            points, is_kept = draw_points(score_map, self.config.num_detected, uniform)
        descriptors = self.network.desc_head(pyramid, points.positions)
        with exact:
            return self._loss(points, is_kept, descriptors, warps)

    def _loss(
        self,
        points: Points,
        is_kept: Tensor,
        descriptors: Tensor,
        warps: Sequence[tuple[Warp, Warp]],
    ) -> dict[str, Tensor]:
        terms = []
        for pair, (warp_1_0, warp_0_1) in enumerate(warps):
            sides = [
                (_select(points, image, is_kept[image]), descriptors[image][is_kept[image]])
                for image in (pair, len(warps) + pair)
            ]
            terms.append(self._pair(*sides[0], *sides[1], warp_1_0, warp_0_1))
        table = torch.stack([torch.stack(row) for row in terms])  # (B, 6)
        means = table.mean(dim=0)
        # A pair without partners does not count in the terms that need them.
        num_matched = (table[:, 4] > 0).sum().clamp(min=1)
        num_movable = (table[:, 5] > 0).sum().clamp(min=1)
        reprojection = table[:, 0].sum() / num_movable
        descriptor, reliability = table[:, 2:4].sum(dim=0) / num_matched
        config = self.config
        total = (
            config.weight_reprojection * reprojection
            + config.weight_peak * means[1]
            + config.weight_descriptor * descriptor
            + config.weight_reliability * reliability
        )
        return {
            "total": total,
            "reprojection": reprojection.detach(),
            "peak": means[1].detach(),
            "descriptor": descriptor.detach(),
            "reliability": reliability.detach(),
            "num_positives": means[4].detach(),
        }

    def _pair(
        self,
        points0: Points,
        descriptors0: Tensor,
        points1: Points,
        descriptors1: Tensor,
        warp_1_0: Warp,
        warp_0_1: Warp,
    ) -> tuple[Tensor, ...]:
        """Return the four terms of one pair, its number of positives, and how many can move."""
        config = self.config
        p, q = points0.positions, points1.positions
        warped0, warped1 = warp_1_0(p), warp_0_1(q)
        with torch.no_grad():
            errors = losses.reprojection_errors(p, q, warped0, warped1)
            positives = losses.mutual_positives(errors, config.max_error_px)
        # A random point cannot move: it would pull its partner to an arbitrary place.
        i, j = positives.unbind(1)
        movable = positives[points0.is_detected[i] & points1.is_detected[j]]
        peak = (_peak(points0) + _peak(points1)) / 2
        if config.descriptor_loss == "triplet":
            descriptor = losses.triplet_loss(descriptors0, descriptors1, positives)
        else:
            descriptor = losses.sparse_nre_loss(
                descriptors0, descriptors1, positives, config.descriptor_temperature
            )
        reliability = losses.reliability_loss(
            descriptors0,
            descriptors1,
            points0.scores,
            points1.scores,
            positives,
            config.reliability_temperature,
        )
        reprojection = losses.reprojection_loss(p, q, warped0, warped1, movable)
        numbers = [reprojection.new_tensor(len(found)) for found in (positives, movable)]
        return reprojection, peak, descriptor, reliability, *numbers


def _peak(points: Points) -> Tensor:
    """Return L_pk of the detected points of one image."""
    return losses.peak_loss(
        points.dispersity[points.is_detected], points.scores[points.is_detected]
    )


def _select(points: Points, image: int, is_kept: Tensor) -> Points:
    return Points(*(field[image][is_kept] for field in points))
