"""The points that the losses look at: the best detections and as many random ones."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from aliked_ros.network.dkd import Detections, detect, sample_score
from aliked_ros.training.losses.terms import point_distances

SUPPRESSION_PX = 2.0


class Points(NamedTuple):
    """The points of one image.

    Attributes:
        positions: (N, 2) px; the gradient flows through the detected ones.
        scores: (N,) score map there, with gradient.
        is_detected: (N,) bool; False for the random ones.
        dispersity: (N,) of the detected ones, 0 for the random ones.
    """

    positions: Tensor
    scores: Tensor
    is_detected: Tensor
    dispersity: Tensor


def draw_points(score_map: Tensor, num_detected: int, uniform: Tensor) -> tuple[Points, Tensor]:
    """Return detected and random points of images, and which of them stay.

    Args:
        score_map: (B, H, W).
        num_detected: highest local maxima of an image, however low.
        uniform: (B, R, 2) in [0, 1], where in the image the random points lie.

    Returns:
        points: of all B images, each field with B ahead of its shape.
        is_kept: (B, N) bool. Of two points nearer than SUPPRESSION_PX the one with the lower score
            goes.
    """
    height, width = score_map.shape[1:]
    found: Detections = detect(score_map, num_detected, 0.0)
    random = uniform * uniform.new_tensor((width - 1, height - 1))
    positions = torch.cat((found.keypoints, random), dim=1)
    scores = torch.cat((found.scores, sample_score(score_map, random)), dim=1)
    is_random = torch.ones(random.shape[:2], dtype=torch.bool, device=random.device)
    is_detected = torch.cat((found.is_valid, ~is_random), dim=1)
    dispersity = torch.cat((found.dispersity, found.dispersity.new_zeros(is_random.shape)), dim=1)
    is_point = torch.cat((found.is_valid, is_random), dim=1)
    is_kept = is_point & ~_is_beaten(positions.detach(), scores.detach(), is_point)
    return Points(positions, scores, is_detected, dispersity), is_kept


def _is_beaten(positions: Tensor, scores: Tensor, is_point: Tensor) -> Tensor:
    """Return (B, N) bool: a point with a higher score, or an equal one earlier, lies too near."""
    is_near = point_distances(positions, positions) < SUPPRESSION_PX  # (B, N, N)
    other, own = scores.unsqueeze(1), scores.unsqueeze(2)
    order = torch.arange(scores.shape[1], device=scores.device)
    is_earlier = order < order.unsqueeze(1)
    is_better = (other > own) | ((other == own) & is_earlier)
    return (is_near & is_better & is_point.unsqueeze(1)).any(dim=2)
