"""Each stage by its kernels beside the same stage by plain torch, on one small image."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.inference.frame import Frame
from aliked_ros.inference.parts import join
from aliked_ros.inference.stages import First, Geometry, Level, Outputs, Stages

_SIZE = (100, 133)  # px; no multiple of 32
_MAX_KEYPOINTS = 90
_TOLERANCE = {torch.float32: 3e-4, torch.float16: 3e-2}  # of the largest number
_PIXEL_TOLERANCE = 1e-3  # of keypoints on one and the same score map, px

Pairs = Iterator[tuple[Tensor, Tensor]]


class Trial:
    """Computes every stage twice from the same inputs.

    Args:
        reference: by plain torch in float32, with maps of as many parts.
        dim: numbers of a descriptor.
        dtype: float32, or float16 for an encoder in half precision.
        device: of the networks.
    """

    def __init__(
        self, reference: Stages, dim: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._tolerance = _TOLERANCE[dtype]
        self._frames = [_frame(channels, dim, device) for channels in (3, 1, 3)]
        frame = self._frames[2]
        self._first = reference.first(frame.pixels, frame.geometry, frame.controls)
        self._second = reference.second(self._first.pooled)
        self._third = reference.third(_means(self._second))
        self._fourth = reference.fourth(_means(self._third))
        self._coarse = (self._second.coarse, self._third.coarse, self._fourth.coarse)
        self._levels = (self._second.level, self._third.level, self._fourth.level)
        self._score = reference.score(self._first.fine, self._coarse, frame.geometry)
        reference.detect(self._score, frame.controls, frame.outputs)
        reference.describe(self._first.x1, self._levels, frame.geometry, frame.outputs)
        self._reference = reference

    def problem(self, kernels: Stages, stage: str) -> str:
        """Return what is wrong with a stage, or an empty string; waits for the device."""
        compute: Callable[[Stages], Pairs] = getattr(self, f"_{stage}_pairs")
        found = list(compute(kernels))
        for (one, expected), (again, _) in zip(found, compute(kernels), strict=True):
            if not torch.equal(one, again):
                return "it gives other results each time"
            if one.shape != expected.shape:
                return f"it gives {tuple(one.shape)} where torch gives {tuple(expected.shape)}"
            error = float((one - expected).abs().max()) if one.numel() else 0.0
            limit = self._tolerance * max(1.0, float(expected.abs().max()) if one.numel() else 0.0)
            if not error < limit:  # a NaN is no number below the limit either
                return f"it differs from torch by {error:.2g}"
        return ""

    def _first_pairs(self, kernels: Stages) -> Pairs:
        for frame in self._frames[:2]:  # colour and grey are different kernels
            frame.upload()
            given = (frame.pixels, frame.geometry, frame.controls)
            found = kernels.first(*given)
            varies = frame.controls.varies.clone()
            yield from _pairs(found, self._reference.first(*given))
            yield varies.float(), frame.controls.varies.float()

    def _second_pairs(self, kernels: Stages) -> Pairs:
        return _pairs(kernels.second(self._first.pooled), self._second)

    def _third_pairs(self, kernels: Stages) -> Pairs:
        return _pairs(kernels.third(_means(self._second)), self._third)

    def _fourth_pairs(self, kernels: Stages) -> Pairs:
        return _pairs(kernels.fourth(_means(self._third)), self._fourth)

    def _score_pairs(self, kernels: Stages) -> Pairs:
        geometry = self._frames[2].geometry
        yield kernels.score(self._first.fine, self._coarse, geometry), self._score

    def _detect_pairs(self, kernels: Stages) -> Pairs:
        frame = self._frames[0]
        frame.upload()
        frame.controls.varies.fill_(1)
        frame.packed.fill_(torch.nan)
        kernels.detect(self._score, frame.controls, frame.outputs)
        found, expected = _rows(frame.outputs), _rows(self._frames[2].outputs)
        yield frame.outputs.header.clone(), self._frames[2].outputs.header
        if len(found[0]) == len(expected[0]):
            error = (found[0] - expected[0]) * (self._tolerance / _PIXEL_TOLERANCE)
            yield error, torch.zeros_like(error)
            yield from zip(found[1:3], expected[1:3], strict=True)

    def _describe_pairs(self, kernels: Stages) -> Pairs:
        frame, expected = self._frames[0], self._frames[2]
        frame.packed.copy_(expected.packed)
        frame.outputs.descriptors.fill_(torch.nan)
        frame.outputs.num_found.copy_(expected.outputs.num_found)
        kernels.describe(self._first.x1, self._levels, frame.geometry, frame.outputs)
        yield _rows(frame.outputs)[3], _rows(expected.outputs)[3]


def _frame(channels: int, dim: int, device: torch.device) -> Frame:
    """Return an uploaded image of smooth blobs, and memory for its results."""
    height, width = _SIZE
    coarse = torch.rand(1, channels, 25, 33, generator=torch.Generator().manual_seed(channels))
    fine = F.interpolate(coarse, size=_SIZE, mode="bicubic").clamp(0, 1) * 255
    image = fine[0].permute(1, 2, 0).to(torch.uint8).contiguous()
    frame = Frame(
        Geometry(1, height, width, channels), _MAX_KEYPOINTS, dim, device, False,
        lambda num_bytes: torch.empty(num_bytes, dtype=torch.uint8),
    )  # fmt: skip
    frame.fill([image], _MAX_KEYPOINTS, 0.0)
    frame.upload()
    return frame


def _means(level: Level) -> Tensor:
    assert level.pooled is not None
    return level.pooled


def _pairs(found: First | Level, expected: First | Level) -> Pairs:
    """Return the maps of two results as numbers."""
    for one, other in zip(found, expected, strict=True):
        if one is not None and other is not None:
            yield _numbers(one), _numbers(other)


def _numbers(rows: Tensor) -> Tensor:
    return join(rows) if rows.ndim == 5 else rows.float()


def _rows(outputs: Outputs) -> tuple[Tensor, ...]:
    """Return keypoints, scores, dispersity and descriptors of the first image, and no more."""
    count = int(outputs.num_found[0])
    parts = (outputs.keypoints, outputs.scores, outputs.dispersity, outputs.descriptors)
    return tuple(part[0, :count].clone() for part in parts)
