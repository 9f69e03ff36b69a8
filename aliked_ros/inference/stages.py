"""The network on a GPU in seven stages; here by plain torch, the reference of the Triton kernels.

Each stage takes and gives tensors of one fixed form, so that it can be done by one or the other.
Maps are channels-last, (B, h, w, parts, C): where a kernel reads them, float32 numbers are sums of
two parts of float16. Levels 2 to 4 are at 1/2, 1/8 and 1/32 of the padded image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.inference.parts import join, split
from aliked_ros.inference.precision import exact_float32
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import ResidualBlock
from aliked_ros.network.dkd import detect
from aliked_ros.network.encoder import split_padding
from aliked_ros.network.pyramid import FeaturePyramid

STAGES = ("first", "second", "third", "fourth", "score", "detect", "describe")


@dataclass(frozen=True)
class Geometry:
    """The size of a batch of images, and of what they are padded to.

    Attributes:
        batch: number of images.
        height: px.
        width: px.
        channels: 1 (grey) or 3 (RGB).
    """

    batch: int
    height: int
    width: int
    channels: int

    @property
    def top(self) -> int:
        """Rows of padding before an image, px."""
        return split_padding(self.height)[0]

    @property
    def left(self) -> int:
        """Columns of padding before an image, px."""
        return split_padding(self.width)[0]

    @property
    def padded_height(self) -> int:
        """A multiple of 32, px."""
        return self.height + sum(split_padding(self.height))

    @property
    def padded_width(self) -> int:
        """A multiple of 32, px."""
        return self.width + sum(split_padding(self.width))


class Controls(NamedTuple):
    """What a frame is told and what it counts, on the device.

    Attributes:
        threshold: (1,) float32, a peak must be higher.
        limit: (1,) int32, keypoints of an image at most; not above the capacity.
        counts: (B,) int32, 0 before a frame.
        varies: (B,) int32, 0 before a frame; then whether an image has more than one colour.
    """

    threshold: Tensor
    limit: Tensor
    counts: Tensor
    varies: Tensor


class Outputs(NamedTuple):
    """Where the results of B images go: views of one buffer, with room for K keypoints each.

    Attributes:
        num_found: (B,) int32, how many keypoints an image has.
        header: (B,) float32, the same number.
        keypoints: (B, K, 2) float32, px, (x, y), best score first; behind the last one anything.
        scores: (B, K) float32.
        dispersity: (B, K) float32.
        descriptors: (B, K, dim) float32.
    """

    num_found: Tensor
    header: Tensor
    keypoints: Tensor
    scores: Tensor
    dispersity: Tensor
    descriptors: Tensor


class First(NamedTuple):
    """What the first block gives: its map, its means of 2x2 px, its part of the score head.

    Attributes:
        x1: (B, Hp, Wp, parts, c1).
        pooled: (B, Hp / 2, Wp / 2, parts, c1).
        fine: (B, Hp, Wp, 8) float32.
    """

    x1: Tensor
    pooled: Tensor
    fine: Tensor


class Level(NamedTuple):
    """What a later block gives.

    Attributes:
        level: (B, h, w, dim / 4) float32 or float16, a level of the feature pyramid.
        coarse: (B, h, w, 8) float32, its part of the score head.
        pooled: (B, h / 4, w / 4, parts, C), the means of 4x4 px; None of the last block.
    """

    level: Tensor
    coarse: Tensor
    pooled: Tensor | None


class Stages(Protocol):
    """The stages in their order."""

    def first(self, pixels: Tensor, geometry: Geometry, controls: Controls) -> First:
        """Take images (B, H, W, 1 or 3) uint8; set `controls.varies`."""

    def second(self, pooled: Tensor) -> Level:
        """Take the pooled map (B, h, w, parts, C) of the first block."""

    def third(self, pooled: Tensor) -> Level:
        """Take the pooled map (B, h, w, parts, C) of the second block."""

    def fourth(self, pooled: Tensor) -> Level:
        """Take the pooled map (B, h, w, parts, C) of the third block."""

    def score(self, fine: Tensor, coarse: tuple[Tensor, ...], geometry: Geometry) -> Tensor:
        """Return the score map (B, H, W) float32 of the image without its padding."""

    def detect(self, score_map: Tensor, controls: Controls, outputs: Outputs) -> None:
        """Take a score map (B, H, W); write all of `outputs` but the descriptors."""

    def describe(
        self, x1: Tensor, levels: tuple[Tensor, ...], geometry: Geometry, outputs: Outputs
    ) -> None:
        """Write the descriptors of the keypoints in `outputs`."""


class TorchStages:
    """The stages by plain torch.

    Args:
        network: the result of `ALIKED.fuse()`, on its device and in the type of its convolutions.
        map_dtype: float16 for maps in half precision, else float32.
        parts: of the numbers in maps; 1 of `map_dtype`, or 2 of float16 as the kernels have it.
    """

    def __init__(self, network: ALIKED, map_dtype: torch.dtype, parts: int = 1) -> None:
        self._network = network
        self._dtype = network.conv1.weight.dtype
        self._map_dtype = map_dtype
        self._parts = parts
        first = network.score_head[0].weight
        assert isinstance(first, Tensor)
        self._heads = [part.contiguous() for part in first.chunk(4, dim=1)]

    def first(self, pixels: Tensor, geometry: Geometry, controls: Controls) -> First:
        """See `Stages.first`."""
        with exact_float32(pixels.device):
            image = pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255).expand(-1, 3, -1, -1)
            image = F.pad(image, (
                geometry.left, geometry.padded_width - geometry.width - geometry.left,
                geometry.top, geometry.padded_height - geometry.height - geometry.top,
            ), mode="replicate")  # fmt: skip
            x1 = self._network.block1(image.to(self._dtype))
            level = F.selu_(self._network.conv1(x1))
            fine = F.conv2d(level, self._heads[0])
        controls.varies.copy_(has_texture(pixels))
        means = F.avg_pool2d(x1, 2)
        return First(self._pack(x1), self._pack(means), _last(fine).to(torch.float32))

    def second(self, pooled: Tensor) -> Level:
        """See `Stages.second`."""
        return self._level(2, self._network.block2, pooled)

    def third(self, pooled: Tensor) -> Level:
        """See `Stages.third`."""
        return self._level(3, self._network.block3, pooled)

    def fourth(self, pooled: Tensor) -> Level:
        """See `Stages.fourth`."""
        return self._level(4, self._network.block4, pooled)

    def _level(self, number: int, block: ResidualBlock, pooled: Tensor) -> Level:
        with exact_float32(pooled.device):
            x = block(self._unpack(pooled))
            level = F.selu_(getattr(self._network, f"conv{number}")(x))
            coarse = F.conv2d(level, self._heads[number - 1])
        means = None if number == 4 else self._pack(F.avg_pool2d(x, 4))
        return Level(_last(level).to(self._map_dtype), _last(coarse).to(torch.float32), means)

    def score(self, fine: Tensor, coarse: tuple[Tensor, ...], geometry: Geometry) -> Tensor:
        """See `Stages.score`."""
        size = (geometry.padded_height, geometry.padded_width)
        x = fine.permute(0, 3, 1, 2)
        for part in coarse:
            level = part.permute(0, 3, 1, 2)
            x = x + F.interpolate(level, size=size, mode="bilinear", align_corners=True)
        with exact_float32(fine.device):
            logits = self._network.score_logits(x)
        inner = torch.sigmoid(logits)[:, geometry.top :, geometry.left :]
        return inner[:, : geometry.height, : geometry.width].contiguous()

    def detect(self, score_map: Tensor, controls: Controls, outputs: Outputs) -> None:
        """See `Stages.detect`."""
        capacity = outputs.scores.shape[1]
        found = detect(score_map, capacity, controls.threshold, limit=controls.limit)
        count = found.is_valid.sum(dim=1) * (controls.varies != 0)
        outputs.num_found.copy_(count)
        outputs.header.copy_(count)
        num = found.scores.shape[1]  # less than the capacity in a small image
        outputs.keypoints[:, :num].copy_(found.keypoints)
        outputs.scores[:, :num].copy_(found.scores)
        outputs.dispersity[:, :num].copy_(found.dispersity)

    def describe(
        self, x1: Tensor, levels: tuple[Tensor, ...], geometry: Geometry, outputs: Outputs
    ) -> None:
        """See `Stages.describe`."""
        with exact_float32(x1.device):
            finest = F.selu_(self._network.conv1(self._unpack(x1)))
            maps = (finest, *(level.permute(0, 3, 1, 2).to(self._dtype) for level in levels))
            pyramid = FeaturePyramid(
                maps, (geometry.height, geometry.width), (geometry.left, geometry.top)
            )
            # Behind the last keypoint there may be anything, even positions far outside.
            row = torch.arange(outputs.scores.shape[1], device=x1.device)
            is_found = (row < outputs.num_found.unsqueeze(1)).unsqueeze(2)
            points = torch.where(is_found, outputs.keypoints, 0.0)
            outputs.descriptors.copy_(self._network.desc_head(pyramid, points))

    def _pack(self, feature_map: Tensor) -> Tensor:
        """Return a map (B, C, h, w) as (B, h, w, parts, C)."""
        rows = _last(feature_map)
        return split(rows) if self._parts == 2 else rows.to(self._map_dtype).unsqueeze(-2)

    def _unpack(self, rows: Tensor) -> Tensor:
        """Return (B, h, w, parts, C) as the map (B, C, h, w) that it stands for."""
        numbers = join(rows) if self._parts == 2 else rows.squeeze(-2)
        return numbers.to(self._dtype).permute(0, 3, 1, 2)


def _last(feature_map: Tensor) -> Tensor:
    """Return a map (B, C, h, w) as (B, h, w, C)."""
    return feature_map.permute(0, 2, 3, 1).contiguous()


def has_texture(pixels: Tensor) -> Tensor:
    """Return whether the images (B, H, W, C) have more than one colour: (B,) bool.

    In an image of one colour the network still sees faint maxima, made by its own padding.
    """
    first_row, rows = pixels[:, 0], pixels.flatten(2)
    varies_along_row = (first_row[:, 1:] != first_row[:, :-1]).flatten(1).any(dim=1)
    if not pixels.is_cuda and bool(varies_along_row.all()):
        return varies_along_row
    varies_between_rows = (rows[:, 1:] != rows[:, :-1]).flatten(1).any(dim=1)
    return varies_along_row | varies_between_rows


def run_stages(
    stages: Stages, pixels: Tensor, geometry: Geometry, controls: Controls, outputs: Outputs
) -> None:
    """Detect and describe the keypoints of images; nothing waits for the device.

    Args:
        stages: by which each step is done.
        pixels: (B, H, W, 1 or 3) uint8.
        geometry: of the images.
        controls: threshold and limit; counts and varies are 0.
        outputs: written.
    """
    first = stages.first(pixels, geometry, controls)
    second = stages.second(first.pooled)
    assert second.pooled is not None
    third = stages.third(second.pooled)
    assert third.pooled is not None
    fourth = stages.fourth(third.pooled)
    coarse = (second.coarse, third.coarse, fourth.coarse)
    score_map = stages.score(first.fine, coarse, geometry)
    stages.detect(score_map, controls, outputs)
    levels = (second.level, third.level, fourth.level)
    stages.describe(first.x1, levels, geometry, outputs)
