"""Results of the network as Features, with one download for everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from aliked_ros.network.dkd import Detections
from aliked_ros.structs import Features

_HEADER = 4  # numbers before an image's results; the first one is the count


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
        return _cut(parts, counts.tolist(), image_size, None)
    packed = pack(detections, descriptors, counts)
    # Page-locked memory: torch takes it from a pool and takes it back with the last reference.
    staging = torch.empty(packed.shape, pin_memory=True)
    staging.copy_(packed, non_blocking=True)
    torch.cuda.current_stream(packed.device).synchronize()
    return unpack(packed, staging, descriptors.shape[2], image_size)


def pack(detections: Detections, descriptors: Tensor, counts: Tensor) -> Tensor:
    """Return everything in one (B, length) float32; the first column is the count.

    Room is left so that each part begins at a multiple of 16 bytes, as kernels like it.
    """
    batch, num = detections.scores.shape
    dim = descriptors.shape[2]
    packed = descriptors.new_zeros((batch, packed_length(-(-num // 4) * 4, dim)))
    packed[:, 0] = counts
    parts = (detections.keypoints, detections.scores, detections.dispersity, descriptors)
    for target, value in zip(split_packed(packed, dim), parts, strict=True):
        target[:, :num] = value
    return packed


def packed_length(capacity: int, dim: int) -> int:
    """Return the numbers of an image with room for a number of keypoints, a multiple of 4."""
    return _HEADER + capacity * (4 + dim)


def split_packed(packed: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return keypoints (B, K, 2), scores (B, K), dispersity (B, K), descriptors (B, K, dim)."""
    batch, length = packed.shape
    num = (length - _HEADER) // (4 + dim)
    keypoints, scores, dispersity, descriptors = torch.split(
        packed[:, _HEADER:], [2 * num, num, num, dim * num], dim=1
    )
    return keypoints.view(batch, num, 2), scores, dispersity, descriptors.view(batch, num, dim)


def parts_of(
    length: int, dim: int, count: int
) -> Iterator[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Yield where the first rows of the four parts lie in an image's results.

    Args:
        length: numbers of an image, as `packed_length` gives it.
        dim: numbers of a descriptor.
        count: rows.

    Yields:
        number of the first one, shape and strides; in the order of `split_packed`.
    """
    num = (length - _HEADER) // (4 + dim)
    yield _HEADER, (count, 2), (2, 1)
    yield _HEADER + 2 * num, (count,), (1,)
    yield _HEADER + 3 * num, (count,), (1,)
    yield _HEADER + 4 * num, (count, dim), (dim, 1)


def unpack(
    packed: Tensor, on_host: Tensor, dim: int, image_size: tuple[int, int]
) -> list[Features]:
    """Return the features that two copies of one buffer hold, as views.

    Args:
        packed: (B, length) float32 on the device.
        on_host: the same in host memory.
        dim: numbers of a descriptor.
        image_size: (height, width), px.
    """
    counts = [int(count) for count in on_host[:, 0].tolist()]
    here = _cut(split_packed(on_host, dim), counts, image_size, None)
    return _cut(split_packed(packed, dim), counts, image_size, here)


def _cut(
    parts: tuple[Tensor, Tensor, Tensor, Tensor],
    counts: Sequence[int],
    image_size: tuple[int, int],
    on_host: list[Features] | None,
) -> list[Features]:
    keypoints, scores, dispersity, descriptors = parts
    return [
        Features(
            keypoints[i, :count],
            scores[i, :count],
            dispersity[i, :count],
            descriptors[i, :count],
            image_size,
            on_host[i] if on_host else None,
        )
        for i, count in enumerate(counts)
    ]
