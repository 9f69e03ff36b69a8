"""Results of the network as Features, with one download for everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from aliked_ros.network.dkd import Detections
from aliked_ros.structs import Features


def deliver(
    detections: Detections, descriptors: Tensor, counts: Tensor, image_size: tuple[int, int]
) -> list[Features]:
    """Cut the results of B images to their lengths.

    A GPU is waited for once: when all results have arrived in host memory, where they are kept
    beside those on the device.

    Args:
        detections: K keypoints per image, filling last.
        descriptors: (B, K, D) float32.
        counts: (B,) int64, how many keypoints of each image count.
        image_size: (height, width), px.
    """
    if not descriptors.is_cuda:
        parts = (detections.keypoints, detections.scores, detections.dispersity, descriptors)
        return _cut(parts, counts.tolist(), image_size)
    packed = pack(detections, descriptors, counts)
    # Page-locked memory: torch takes it from a pool and takes it back with the last reference.
    staging = torch.empty(packed.shape, pin_memory=True)
    staging.copy_(packed, non_blocking=True)
    torch.cuda.current_stream(packed.device).synchronize()
    dim = descriptors.shape[2]
    host = unpack(staging, dim, staging[:, 0].tolist(), image_size)
    device = unpack(packed, dim, staging[:, 0].tolist(), image_size)
    return [replace(there, on_host=here) for there, here in zip(device, host, strict=True)]


def pack(detections: Detections, descriptors: Tensor, counts: Tensor) -> Tensor:
    """Return everything in one (B, 1 + K * (4 + D)) float32; the first column is the count."""
    return torch.cat(
        (
            counts.unsqueeze(1).to(torch.float32),
            detections.keypoints.flatten(1),
            detections.scores,
            detections.dispersity,
            descriptors.flatten(1),
        ),
        dim=1,
    )


def unpack(
    packed: Tensor, dim: int, counts: Sequence[float], image_size: tuple[int, int]
) -> list[Features]:
    """Return views of what `pack` joined."""
    batch, length = packed.shape
    num = (length - 1) // (4 + dim)
    keypoints, scores, dispersity, descriptors = torch.split(
        packed[:, 1:], [2 * num, num, num, dim * num], dim=1
    )
    parts = (
        keypoints.view(batch, num, 2),
        scores,
        dispersity,
        descriptors.view(batch, num, dim),
    )
    return _cut(parts, [int(count) for count in counts], image_size)


def _cut(
    parts: tuple[Tensor, Tensor, Tensor, Tensor], counts: list[int], image_size: tuple[int, int]
) -> list[Features]:
    keypoints, scores, dispersity, descriptors = parts
    return [
        Features(
            keypoints[i, :count],
            scores[i, :count],
            dispersity[i, :count],
            descriptors[i, :count],
            image_size,
        )
        for i, count in enumerate(counts)
    ]
