"""The losses of ALIKED (Zhao et al. 2023, section IV), each a pure function of one image pair.

    L = w_rp L_rp + w_pk L_pk + w_ds L_ds + w_re L_re

    L_rp  keypoints of both images lie where their partner is warped to     reprojection_loss
    L_pk  the score map has one sharp peak at each keypoint                 peak_loss
    L_ds  sparse neural reprojection error: a descriptor is most similar
          to that of its partner, among all keypoints of the other image    sparse_nre_loss
    L_re  the score is high where a descriptor finds its partner            reliability_loss

Points are pixels (N, 2), descriptors (N, D) unit rows, positives (K, 2) indices of partners.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.training.pairs.warps import Warped

PEAK_MIN_SCORE = 0.1
TRIPLET_MARGIN = 0.5  # of Euclidean distances of descriptors


def reprojection_errors(
    points0: Tensor, points1: Tensor, warped0: Warped, warped1: Warped
) -> Tensor:
    """Return the symmetric distances of all points of image 0 and all of image 1.

    E_ij = (|p_i in image 1 - q_j| + |p_i - q_j in image 0|) / 2

    Args:
        points0: (N, 2) px, p.
        points1: (M, 2) px, q.
        warped0: p taken into image 1.
        warped1: q taken into image 0.

    Returns:
        (N, M) px; infinite where one of the two is not visible in the other image.
    """
    in_image1 = point_distances(warped0.points, points1)
    in_image0 = point_distances(points0, warped1.points)
    is_seen = (warped0.is_visible & warped0.is_known)[:, None] & (
        warped1.is_visible & warped1.is_known
    )
    return torch.where(is_seen, (in_image1 + in_image0) / 2, torch.inf)


def point_distances(points0: Tensor, points1: Tensor) -> Tensor:
    """Return the distances (..., N, M) of points (..., N, 2) and (..., M, 2), px."""
    # By default long lists go through a matrix product, which is off by a third of a pixel at 800.
    return torch.cdist(points0, points1, compute_mode="donot_use_mm_for_euclid_dist")


def mutual_positives(errors: Tensor, max_error_px: float) -> Tensor:
    """Return the pairs (K, 2) int64 that are each other's nearest and closer than a limit.

    Args:
        errors: (N, M) px, as `reprojection_errors` returns them.
        max_error_px: a pair's error is below this.
    """
    is_positive, nearest1 = mutual_candidates(errors, max_error_px)
    index0 = torch.arange(len(errors), device=errors.device)
    return torch.stack((index0, nearest1), dim=1)[is_positive]


def mutual_candidates(errors: Tensor, max_error_px: float) -> tuple[Tensor, Tensor]:
    """Return the same as is_positive (N,) bool and partner (N,) int64, without waiting for it."""
    if errors.numel() == 0:
        nothing = torch.zeros(len(errors), dtype=torch.int64, device=errors.device)
        return nothing.bool(), nothing
    nearest1 = errors.argmin(dim=1)  # (N,)
    nearest0 = errors.argmin(dim=0)  # (M,)
    index0 = torch.arange(len(errors), device=errors.device)
    is_mutual = nearest0[nearest1] == index0
    least = errors.gather(1, nearest1.unsqueeze(1)).squeeze(1)
    return is_mutual & (least < max_error_px), nearest1


def reprojection_loss(
    points0: Tensor,
    points1: Tensor,
    warped0: Warped,
    warped1: Warped,
    positives: Tensor,
) -> Tensor:
    """Return L_rp, the mean symmetric distance, px, of positives (K, 2); 0 without any."""
    i, j = positives.unbind(1)
    in_image1 = _length(warped0.points[i] - points1[j])
    in_image0 = _length(points0[i] - warped1.points[j])
    return _mean((in_image1 + in_image0) / 2)


def peak_loss(dispersity: Tensor, scores: Tensor, is_counted: Tensor | None = None) -> Tensor:
    """Return L_pk, the mean dispersity of keypoints above PEAK_MIN_SCORE; 0 without any.

    Args:
        dispersity: (N,).
        scores: (N,).
        is_counted: (N,) bool, the keypoints that are looked at; None: all.
    """
    is_high = scores > PEAK_MIN_SCORE
    if is_counted is not None:
        is_high = is_high & is_counted
    # Not by an index: how long it would be, a GPU would have to be waited for.
    total = torch.where(is_high, dispersity, torch.zeros_like(dispersity)).sum()
    return total / is_high.sum().clamp(min=1)


def sparse_nre_loss(
    descriptors0: Tensor, descriptors1: Tensor, positives: Tensor, temperature: float = 0.1
) -> Tensor:
    """Return L_ds (eq. 9 to 11) of (N, D), (M, D) and positives (K, 2); 0 without positives.

    For a keypoint with partner b: -log of the softmax of its similarities / temperature at b.
    """
    similarities = descriptors0 @ descriptors1.T / temperature  # (N, M)
    i, j = positives.unbind(1)
    terms = [
        F.cross_entropy(similarities[i], j, reduction="none"),
        F.cross_entropy(similarities.T[j], i, reduction="none"),
    ]
    return _mean(torch.cat(terms))


def triplet_loss(descriptors0: Tensor, descriptors1: Tensor, positives: Tensor) -> Tensor:
    """Return the plain alternative to L_ds: the hardest negative must be a margin further away.

    Distances of descriptors (N, D) and (M, D) are Euclidean; negatives of a keypoint are all
    keypoints of the other image but its partner; the mean is over both directions; 0 without
    positives.
    """
    if len(positives) == 0:
        return (descriptors0.sum() + descriptors1.sum()) * 0
    i, j = positives.unbind(1)
    similarities = descriptors0 @ descriptors1.T  # (N, M)
    is_partner = torch.zeros_like(similarities, dtype=torch.bool)
    is_partner[i, j] = True
    distances = (2 - 2 * similarities).clamp(min=1e-8).sqrt()
    negatives = distances.masked_fill(is_partner, torch.inf)
    positive = distances[i, j]
    terms = [
        F.relu(TRIPLET_MARGIN + positive - negatives[i].amin(dim=1)),
        F.relu(TRIPLET_MARGIN + positive - negatives[:, j].amin(dim=0)),
    ]
    return _mean(torch.cat(terms))


def reliability_loss(
    descriptors0: Tensor,
    descriptors1: Tensor,
    scores0: Tensor,
    scores1: Tensor,
    positives: Tensor,
    temperature: float = 0.1,
) -> Tensor:
    """Return L_re (paper eq. 12 and 13), the mean of both images; 0 without positives.

    The reliability of a keypoint is the probability with which its descriptor picks its partner;
    the loss is the mean of 1 - reliability, weighted by the scores, so that only their relation to
    each other is trained. It does not reach the descriptors.

    Args:
        descriptors0: (N, D) of image 0.
        descriptors1: (M, D) of image 1.
        scores0: (N,) score map of image 0 at the keypoints.
        scores1: (M,) score map of image 1 at the keypoints.
        positives: (K, 2).
        temperature: of the softmax. The paper prints 1, with which every probability is about 1 / M
            and nothing is learned; 0.1 is that of ALIKE's code.
    """
    if len(positives) == 0:
        return scores0.sum() * 0
    similarities = descriptors0.detach() @ descriptors1.detach().T / temperature  # (N, M)
    i, j = positives.unbind(1)
    reliability0 = torch.softmax(similarities[i], dim=1).gather(1, j[:, None]).squeeze(1)
    reliability1 = torch.softmax(similarities.T[j], dim=1).gather(1, i[:, None]).squeeze(1)
    return (_weighted(1 - reliability0, scores0[i]) + _weighted(1 - reliability1, scores1[j])) / 2


def _weighted(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1e-12)


def _length(vectors: Tensor) -> Tensor:
    """Return the lengths of (K, 2), with a gradient of 0 where the length is 0."""
    return torch.sqrt(vectors.square().sum(dim=-1).clamp(min=1e-12))


def _mean(terms: Tensor) -> Tensor:
    """Return the mean; of nothing 0, still part of the graph."""
    return terms.sum() / max(terms.numel(), 1)
