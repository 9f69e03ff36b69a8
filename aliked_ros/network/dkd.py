"""Score map to keypoints, scores and dispersity (Differentiable Keypoint Detection)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.network.sampling import bilinear_neighbours

RADIUS = 2  # px, of the suppression, of the refinement window and of the border
TEMPERATURE = 0.1  # of the softmax over the refinement window


class Detections(NamedTuple):
    """The keypoints of a batch, best score first; images with fewer than K are filled up.

    Attributes:
        keypoints: (B, K, 2) float32, px, (x, y).
        scores: (B, K) float32, the score map at the refined keypoint; 0 where not valid.
        dispersity: (B, K) float32 in [0, 1], spread of the window around the keypoint.
        is_valid: (B, K) bool; False marks the filling, always behind the valid ones.
    """

    keypoints: Tensor
    scores: Tensor
    dispersity: Tensor
    is_valid: Tensor


def detect(
    score_map: Tensor,
    max_keypoints: int,
    detection_threshold: float | Tensor,
    limit: Tensor | None = None,
) -> Detections:
    """Find the best local maxima of a score map and refine them below a pixel.

    Gradients flow through keypoints, scores and dispersity, not through the selection.

    Args:
        score_map: (B, H, W) float32 in [0, 1].
        max_keypoints: keep at most this many per image, highest peaks first.
        detection_threshold: a peak must exceed this; at 0 every local maximum is a peak.
        limit: (1,) int, as `max_keypoints`, but a value that may change while K stays fixed.

    Returns:
        The detections. On a CPU, K is the largest number of peaks in an image; elsewhere it is
        `max_keypoints`, or the number of pixels if that is less.
    """
    peaks = suppress_non_maxima(score_map.detach())
    num_pixels = peaks[0].numel()
    heights, index = peaks.flatten(1).topk(min(max_keypoints, num_pixels), dim=1)
    is_valid = heights > detection_threshold
    if limit is not None:
        is_valid = is_valid & (torch.arange(is_valid.shape[1], device=limit.device) < limit)
    if score_map.device.type == "cpu":
        # Reading the number of peaks is free on a CPU; a GPU would wait, so there K stays fixed.
        num_kept = int(is_valid.sum(dim=1).max())
        index, is_valid = index[:, :num_kept], is_valid[:, :num_kept]
    return detect_at(score_map, index, is_valid)


def detect_at(score_map: Tensor, index: Tensor, is_valid: Tensor) -> Detections:
    """Refine chosen maxima of a score map and sort them.

    Args:
        score_map: (B, H, W) float32 in [0, 1].
        index: (B, K) int64, row-major pixel numbers.
        is_valid: (B, K) bool; False marks filling.
    """
    keypoints, dispersity = refine(score_map, index)
    scores = sample_score(score_map, keypoints) * is_valid
    # The refined score differs from the peak's: sort again, filling last.
    order = torch.where(is_valid, scores, -1.0).argsort(dim=1, descending=True, stable=True)
    return Detections(
        keypoints.gather(1, order.unsqueeze(-1).expand(-1, -1, 2)),
        scores.gather(1, order),
        dispersity.gather(1, order),
        is_valid.gather(1, order),
    )


def suppress_non_maxima(score_map: Tensor) -> Tensor:
    """Return the score map (B, H, W) with everything but its local maxima set to 0.

    A maximum is the greatest of its 5x5 window. Twice more, maxima are looked for among the
    pixels that no maximum has in its window. The border of two pixels is 0.
    """
    if score_map.device.type != "cpu":
        return suppress_by_pooling(score_map)
    is_peak = score_map == _window_maximum(score_map)
    for _ in range(2):
        is_suppressed = _window_any(is_peak)
        remaining = score_map.masked_fill(is_suppressed, 0.0)
        is_peak = is_peak | ((remaining == _window_maximum(remaining)) & ~is_suppressed)
    is_peak[:, :RADIUS] = False
    is_peak[:, -RADIUS:] = False
    is_peak[:, :, :RADIUS] = False
    is_peak[:, :, -RADIUS:] = False
    return score_map * is_peak


def suppress_by_pooling(score_map: Tensor) -> Tensor:
    """Do what `suppress_non_maxima` does to (B, H, W) by fewer operations, masks as float32.

    GPUs and runtimes have a fast pooling, and TensorRT does not pad boolean tensors.
    """
    is_peak = (score_map == _pooled_maximum(score_map)).to(score_map.dtype)
    for _ in range(2):
        is_free = 1 - _pooled_maximum(is_peak)
        remaining = score_map * is_free
        is_maximum = (remaining == _pooled_maximum(remaining)).to(score_map.dtype)
        is_peak = torch.maximum(is_peak, is_maximum * is_free)
    rows, columns = (_inside_border(size, score_map) for size in score_map.shape[1:])
    return score_map * is_peak * (rows.unsqueeze(1) * columns)


def _inside_border(size: int, like: Tensor) -> Tensor:
    """Return (size,), 1 for the cells of an axis that are not in the border, 0 for the others."""
    cell = torch.arange(size, device=like.device)
    return ((cell >= RADIUS) & (cell < size - RADIUS)).to(like.dtype)


def _pooled_maximum(score_map: Tensor) -> Tensor:
    size = 2 * RADIUS + 1
    return F.max_pool2d(score_map.unsqueeze(1), size, stride=1, padding=RADIUS).squeeze(1)


def _window_maximum(score_map: Tensor) -> Tensor:
    """Return the maximum of each 5x5 window; bitwise max_pool2d, many times faster on a CPU."""
    padded = F.pad(score_map, (RADIUS,) * 4, value=float("-inf"))
    return _running(padded, torch.maximum)


def _window_any(mask: Tensor) -> Tensor:
    """Return whether any pixel of each 5x5 window is set."""
    return _running(F.pad(mask, (RADIUS,) * 4, value=False), torch.logical_or)


def _running(padded: Tensor, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Combine windows of five along both axes: five are two pairs and a last one."""
    for axis in (1, 2):
        length = padded.shape[axis]
        pairs = combine(padded.narrow(axis, 0, length - 1), padded.narrow(axis, 1, length - 1))
        fours = combine(pairs.narrow(axis, 0, length - 3), pairs.narrow(axis, 2, length - 3))
        last = padded.narrow(axis, 4, length - 4)
        padded = combine(fours.narrow(axis, 0, length - 4), last)
    return padded


def refine(score_map: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Move pixels to the soft-argmax of their 5x5 window.

    Args:
        score_map: (B, H, W) float32.
        index: (B, K) int64, row-major pixel numbers.

    Returns:
        keypoints: (B, K, 2) float32, px, (x, y), less than 2 px from their pixel.
        dispersity: (B, K) float32 in [0, 1]; 0 if the window is one peak, 1 if it is flat.
    """
    y = index // score_map.shape[2]
    x = index - y * score_map.shape[2]
    return refine_at(score_map, x.to(score_map.dtype), y.to(score_map.dtype))


def refine_at(score_map: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Do what `refine` does of pixels in columns x and rows y, (B, K) in the type of the map."""
    height, width = score_map.shape[1:]
    step = torch.arange(-RADIUS, RADIUS + 1, device=score_map.device, dtype=score_map.dtype)
    dy, dx = (grid.flatten() for grid in torch.meshgrid(step, step, indexing="ij"))  # (25,)
    # The clamp concerns only the filling, which may lie on the border.
    window_x = (x.unsqueeze(-1) + dx).clamp(0, width - 1).long()
    window_y = (y.unsqueeze(-1) + dy).clamp(0, height - 1).long()
    window_index = (window_y * width + window_x).flatten(1)
    window = score_map.flatten(1).gather(1, window_index).view(*x.shape, dx.numel())
    weights = torch.softmax(window / TEMPERATURE, dim=-1)  # (B, K, 25)
    steps = torch.stack((dx, dy), dim=-1)  # (25, 2)
    shift = weights @ steps  # (B, K, 2)
    spread = ((steps - shift.unsqueeze(-2)) / RADIUS).square().sum(dim=-1)  # (B, K, 25)
    return torch.stack((x, y), dim=-1) + shift, (weights * spread).sum(dim=-1)


def sample_score(score_map: Tensor, keypoints: Tensor) -> Tensor:
    """Return the scores (B, K) at keypoints (B, K, 2) px, bilinear, zero outside the image."""
    height, width = score_map.shape[1:]
    index, weights = bilinear_neighbours(keypoints[..., 0], keypoints[..., 1], width, height)
    corners = score_map.flatten(1).gather(1, index.flatten(1)).view(index.shape)
    score: Tensor = (corners * weights).sum(dim=-1)
    return score
