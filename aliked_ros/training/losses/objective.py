"""Image pairs and their warps -> the loss of the network: the method on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from aliked_ros.network.aliked import ALIKED
from aliked_ros.training.losses import terms as losses
from aliked_ros.training.losses.points import Points, draw_points
from aliked_ros.training.pairs.warps import Warp, Warped
from aliked_ros.training.recipe import TrainingConfig


class _Side(NamedTuple):
    """The N points of an image that stay, and their descriptors (N, D)."""

    points: Points
    descriptors: Tensor


class _Pair(NamedTuple):
    """Two images whose points are warped into each other.

    Attributes:
        side0: N points of image 0.
        side1: M points of image 1.
        warped0: those of image 0 in image 1.
        warped1: those of image 1 in image 0.
        is_positive: (N,) bool, whether a point of image 0 has a partner.
        is_movable: (N,) bool, whether both of them were detected as well.
        partner: (N,) int64, point of image 1.
    """

    side0: _Side
    side1: _Side
    warped0: Warped
    warped1: Warped
    is_positive: Tensor
    is_movable: Tensor
    partner: Tensor


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
        sides = [
            _Side(Points(*(field[image][rows] for field in points)), descriptors[image][rows])
            for image, rows in enumerate(true_rows(list(is_kept)))
        ]
        pairs = [
            self._match(sides[number], sides[len(warps) + number], *both)
            for number, both in enumerate(warps)
        ]
        positive = true_rows([one.is_positive for one in pairs])
        movable = true_rows([one.is_movable for one in pairs])
        terms = [self._terms(*given) for given in zip(pairs, positive, movable, strict=True)]
        table = torch.stack([torch.stack(row) for row in terms])  # (B, 4)
        means = table.mean(dim=0)
        # A pair without partners does not count in the terms that need them.
        num_matched = max(sum(len(rows) > 0 for rows in positive), 1)
        num_movable = max(sum(len(rows) > 0 for rows in movable), 1)
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
            "num_positives": means.new_full((), sum(map(len, positive)) / len(positive)),
        }

    def _match(self, side0: _Side, side1: _Side, warp_1_0: Warp, warp_0_1: Warp) -> _Pair:
        """Return a pair with its points warped, and which of those of image 0 have a partner."""
        points0, points1 = side0.points, side1.points
        p, q = points0.positions, points1.positions
        warped0, warped1 = warp_1_0(p), warp_0_1(q)
        with torch.no_grad():
            errors = losses.reprojection_errors(p, q, warped0, warped1)
            is_positive, partner = losses.mutual_candidates(errors, self.config.max_error_px)
            # A random point cannot move: it would pull its partner to a place that nobody chose.
            is_movable = is_positive & points0.is_detected
            if len(q):
                is_movable = is_movable & points1.is_detected[partner]
        return _Pair(side0, side1, warped0, warped1, is_positive, is_movable, partner)

    def _terms(self, pair: _Pair, positive: Tensor, movable: Tensor) -> tuple[Tensor, ...]:
        """Return the four terms of a pair; positive and movable are rows of image 0."""
        config, (points0, descriptors0), (points1, descriptors1) = self.config, *pair[:2]
        positives, moving = (
            torch.stack((rows, pair.partner[rows]), dim=1) for rows in (positive, movable)
        )
        peaks = [
            losses.peak_loss(side.dispersity, side.scores, side.is_detected)
            for side in (points0, points1)
        ]
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
        reprojection = losses.reprojection_loss(
            points0.positions, points1.positions, pair.warped0, pair.warped1, moving
        )
        return reprojection, (peaks[0] + peaks[1]) / 2, descriptor, reliability


def true_rows(masks: Sequence[Tensor]) -> list[Tensor]:
    """Return for each mask (N,) the rows (K,) int64 that are set.

    A GPU is waited for once, as the numbers of rows have to be known: by one copy of all masks.
    """
    device = masks[0].device
    on_host = torch.split(torch.cat(list(masks)).cpu(), [len(mask) for mask in masks])
    rows = [mask.nonzero().squeeze(1) for mask in on_host]
    joined = torch.cat(rows)
    if device.type == "cuda":
        joined = joined.pin_memory()
    return list(torch.split(joined.to(device, non_blocking=True), [len(one) for one in rows]))
