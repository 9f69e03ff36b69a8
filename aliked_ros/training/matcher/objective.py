"""Features of image pairs and who is whose partner -> LightGlue's loss.

Lindenberger, Sarlin and Pollefeys 2023, section 3.4. With the assignment P_ij = the softmax of the
similarities over j times that over i times the chances s_i and s_j of having a partner, behind each
layer

    L = - mean of log P_ij over the partners
        - 1/2 mean of log(1 - s_i) over the points 0 without partner - 1/2 the same of points 1

and the mean of all layers. A layer's confidence is trained to tell whether the last layer will
decide as this one does.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.network.lightglue_assignment import MIN_SCORE
from aliked_ros.network.trainable_lightglue import Readout, TrainableLightGlue
from aliked_ros.training.matcher.partners import NONE


class MatcherObjective(nn.Module):
    """Computes the loss of a batch; a module, so that DistributedDataParallel can wrap it.

    Args:
        network: to be trained.
        weight_confidence: of the confidences' loss, which reaches nothing but themselves.
    """

    def __init__(self, network: TrainableLightGlue, weight_confidence: float) -> None:
        super().__init__()
        self.network = network
        self._weight_confidence = weight_confidence

    def forward(
        self, positions: Tensor, descriptors: Tensor, is_point: Tensor, partner: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms of a batch, each the mean of its pairs.

        Args:
            positions: as of `TrainableLightGlue`, like the next two.
            descriptors: (2 B, N, D).
            is_point: (2 B, N).
            partner: (2 B, N) int64, as of `partners`; filling is UNKNOWN.

        Returns:
            total: mean of all layers and the confidences, with gradient.
            partners, no_partner: the two parts of L behind the last layer; confidence;
            recall: partners that the last layer finds, a share of 1; num_positives.
        """
        readouts = self.network(positions, descriptors, is_point)
        both = partner.chunk(2)
        parts = [assignment_loss(readout, *both) for readout in readouts]
        total = torch.stack([found + left for found, left in parts]).mean()
        with torch.no_grad():
            decided = [_decisions(readout) for readout in readouts]
        confidence = _confidence_loss(readouts, decided, is_point)
        is_positive = both[0] >= 0
        is_found = (decided[-1][0] == both[0]) & is_positive
        return {
            "total": total + self._weight_confidence * confidence,
            "partners": parts[-1][0].detach(),
            "no_partner": parts[-1][1].detach(),
            "confidence": confidence.detach(),
            "recall": is_found.sum() / is_positive.sum().clamp(min=1),
            "num_positives": is_positive.sum() / len(is_positive),
        }


def assignment_loss(readout: Readout, partner0: Tensor, partner1: Tensor) -> tuple[Tensor, Tensor]:
    """Return both parts of L: of the partners, and of the points without.

    Args:
        readout: of B pairs.
        partner0: (B, N) int64.
        partner1: (B, M).
    """
    similarity = readout.similarity.float()
    z0, z1 = readout.matchability0.float(), readout.matchability1.float()
    index = partner0.clamp(min=0)
    of_row = F.logsigmoid(z0) - similarity.logsumexp(dim=2)
    of_column = F.logsigmoid(z1) - similarity.logsumexp(dim=1)
    is_positive = partner0 >= 0
    chosen = similarity.gather(2, index.unsqueeze(2)).squeeze(2)
    log_score = 2 * torch.where(is_positive, chosen, 0) + of_row + of_column.gather(1, index)
    both = ((z0, partner0), (z1, partner1))
    without = (_mean(F.softplus(z), partner == NONE) for z, partner in both)
    left = sum(without, torch.zeros_like(z0[:, 0])) / 2
    return _mean(-log_score, is_positive).mean(), left.mean()


def _confidence_loss(
    readouts: Sequence[Readout], decided: Sequence[tuple[Tensor, Tensor]], is_point: Tensor
) -> Tensor:
    terms = [
        _mean(
            F.binary_cross_entropy_with_logits(logits, (own == last).float(), reduction="none"),
            mask,
        )
        for readout, decisions in zip(readouts[:-1], decided[:-1], strict=True)
        for logits, own, last, mask in zip(
            (readout.confidence0, readout.confidence1),
            decisions, decided[-1], is_point.chunk(2), strict=True,
        )
        if logits is not None
    ]  # fmt: skip
    return torch.stack(terms).mean() if terms else readouts[0].similarity.new_zeros(())


def _decisions(readout: Readout) -> tuple[Tensor, Tensor]:
    """Return the partner (B, N) and (B, M) that each point would get, or NONE, as `choose`."""
    similarity = readout.similarity.float()
    of_row = F.logsigmoid(readout.matchability0.float()) - similarity.logsumexp(dim=2)
    of_column = F.logsigmoid(readout.matchability1.float()) - similarity.logsumexp(dim=1)
    log_score = 2 * similarity + of_row.unsqueeze(2) + of_column.unsqueeze(1)
    best1, best0 = log_score.argmax(dim=2), log_score.argmax(dim=1)
    place0, place1 = (torch.arange(best.shape[1], device=best.device) for best in (best1, best0))
    highest0 = log_score.gather(2, best1.unsqueeze(2)).squeeze(2).exp()
    highest1 = log_score.gather(1, best0.unsqueeze(1)).squeeze(1).exp()
    is_pair0 = (best0.gather(1, best1) == place0) & (highest0 > MIN_SCORE)
    is_pair1 = (best1.gather(1, best0) == place1) & (highest1 > MIN_SCORE)
    return torch.where(is_pair0, best1, NONE), torch.where(is_pair1, best0, NONE)


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean (B,) of each row (B, N) where the mask is set; 0 where it nowhere is."""
    total = torch.where(mask, values, torch.zeros_like(values)).sum(dim=1)
    return total / mask.sum(dim=1).clamp(min=1)
