"""ALIKED on a CPU by the compiled kernels of `src/`: the same results, several times faster."""

from __future__ import annotations

import ctypes
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.inference.kernels import Map, Pyramid, ScoreHead, Weights
from aliked_ros.native import one_torch_thread
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import ConvBlock, DeformableConv2d, ResidualBlock
from aliked_ros.network.dkd import Detections, detect_at
from aliked_ros.network.encoder import split_padding

_POOLS = (2, 4, 4)  # px, side of the pooling in front of blocks 2 to 4
_SELU, _LINEAR = 1, 0
_KEPT_PIXELS = 2_000_000  # of all sizes whose memory stays, but for the newest one


class CompiledALIKED:
    """A network for inference on a CPU, image by image.

    Args:
        network: the result of `ALIKED.fuse()`.
        kernels: the result of `load_kernels()`.
    """

    name = "compiled kernels"

    def __init__(self, network: ALIKED, kernels: ctypes.CDLL) -> None:
        self._kernels = kernels
        self._network = network
        self._blocks = [
            _Block(block)
            for block in (network.block1, network.block2, network.block3, network.block4)
        ]
        convs = (network.conv1, network.conv2, network.conv3, network.conv4)
        self._levels = [_pack(conv) for conv in convs]
        first, _, *others = network.score_head
        assert isinstance(first, nn.Conv2d)
        self._head = [Weights.pack(part.flatten(1)) for part in first.weight.chunk(4, dim=1)]
        self._head_kernels = [
            layer.weight.contiguous() for layer in others if isinstance(layer, nn.Conv2d)
        ]
        head = network.desc_head
        self._offset_convs = [_pack(head.offset_conv[0]), _pack(head.offset_conv[2])]
        self._sample_conv = _pack(head.sf_conv)
        self._aggregation = Weights.pack(head.agg_weights.flatten(0, 1).T)
        self._workspaces: dict[tuple[int, int], Workspace] = {}  # the newest last
        self._lock = Lock()

    def __call__(
        self, pixels: Tensor, max_keypoints: int, detection_threshold: float
    ) -> tuple[Detections, Tensor]:
        """Detect and describe the keypoints of one image (1, H, W, 1 or 3) uint8.

        Raises:
            ValueError: if there are several images.
        """
        if len(pixels) != 1:
            raise ValueError(f"pixels hold {len(pixels)} images: the kernels take one at a time")
        with self._lock, one_torch_thread() as num_threads:
            self._kernels.aliked_use_threads(num_threads)
            score_map, pyramid = self.encode(pixels)
            index = self._choose_peaks(score_map, max_keypoints, detection_threshold)
            detections = detect_at(score_map, index, torch.ones_like(index, dtype=torch.bool))
            return detections, self.describe(pyramid, detections.keypoints[0]).unsqueeze(0)

    def _choose_peaks(self, score_map: Tensor, max_keypoints: int, threshold: float) -> Tensor:
        """Return the pixel numbers (1, K) of the highest peaks above a threshold."""
        kernels, size = self._kernels, score_map.numel()
        peaks = self._maps.rows("peaks", size, 1)
        kernels.aliked_suppress_non_maxima(
            score_map.data_ptr(), *score_map.shape[1:], peaks.data_ptr()
        )
        # topk of the whole map would copy it, several times as large.
        index = self._maps.rows("index", size, 1, torch.int64).flatten()
        heights = self._maps.rows("heights", size, 1).flatten()
        count = kernels.aliked_list_peaks(
            peaks.data_ptr(), size, threshold, index.data_ptr(), heights.data_ptr()
        )
        chosen = heights[:count].topk(min(max_keypoints, count)).indices
        return index[chosen].unsqueeze(0)

    def encode(self, pixels: Tensor) -> tuple[Tensor, Pyramid]:
        """Return the score map (1, H, W) and what the features are computed from.

        Both are overwritten by the next image.
        """
        kernels, pixels = self._kernels, pixels.contiguous()
        _, height, width, _ = pixels.shape
        left, right = split_padding(width)
        top, bottom = split_padding(height)
        size = (height + top + bottom, width + left + right)
        maps = self._take_workspace(size)
        self._load_image(pixels, top, left)
        self._run_block(0, maps.image)
        for number, pool in enumerate(_POOLS, start=1):
            self._pool(number, pool)
            self._run_block(number, maps.pooled[number - 1])
            self._make_level(number)
            level, coarse = maps.levels[number - 1], maps.coarse[number - 1]
            kernels.aliked_project(level, self._head[number], _LINEAR, coarse)
        head = ScoreHead(
            self._levels[0],
            self._head[0],
            tuple(maps.coarse),
            *(kernel.data_ptr() for kernel in self._head_kernels),
        )
        score_map = self._maps.rows("score_map", height, width).unsqueeze(0)
        self._score(maps.blocks[0], head, top, left, height, width, score_map.data_ptr())
        levels = tuple(maps.levels)
        return score_map, Pyramid(maps.blocks[0], self._levels[0], levels, height, width, top, left)

    def _take_workspace(self, size: tuple[int, int]) -> Workspace:
        """Return the memory for padded images (height, width); that of old sizes may go."""
        workspaces = self._workspaces
        workspace = workspaces.pop(size, None)
        while workspaces and sum(h * w for h, w in (size, *workspaces)) > _KEPT_PIXELS:
            del workspaces[next(iter(workspaces))]
        self._maps = workspaces[size] = workspace or self._make_workspace(*size)
        return self._maps

    def _make_workspace(self, height: int, width: int) -> Workspace:
        return Workspace(self._network, height, width)

    def _load_image(self, pixels: Tensor, top: int, left: int) -> None:
        self._kernels.aliked_load_image(
            pixels.data_ptr(), *pixels.shape[1:], top, left, self._maps.image
        )

    def _pool(self, number: int, size: int) -> None:
        """Make the means of size x size px that go into a block."""
        maps = self._maps
        self._kernels.aliked_average_pool(maps.blocks[number - 1], size, maps.pooled[number - 1])

    def _make_level(self, number: int) -> None:
        """Make the level of the feature pyramid that comes from a block."""
        maps = self._maps
        self._kernels.aliked_project(
            maps.blocks[number], self._levels[number], _SELU, maps.levels[number - 1]
        )

    def _score(self, *arguments: Any) -> None:
        self._kernels.aliked_score(*arguments)

    def _run_block(self, number: int, x: Map) -> None:
        block, kernels = self._blocks[number], self._kernels
        hidden, out = self._maps.hidden[number], self._maps.blocks[number]
        shortcut = x if block.has_shortcut else None
        if not block.offsets:
            kernels.aliked_convolve(x, None, block.first, _SELU, hidden)
            kernels.aliked_convolve(hidden, shortcut, block.second, _SELU, out)
            return
        offsets = self._maps.offsets[number]
        limit = max(x.height, x.width) / 4
        kernels.aliked_convolve(x, None, block.offsets[0], _LINEAR, offsets)
        kernels.aliked_convolve_deformable(x, offsets, limit, None, block.first, hidden)
        kernels.aliked_convolve(hidden, None, block.offsets[1], _LINEAR, offsets)
        kernels.aliked_convolve_deformable(hidden, offsets, limit, shortcut, block.second, out)

    def describe(self, pyramid: Pyramid, keypoints: Tensor) -> Tensor:
        """Return descriptors (N, dim), unit rows, of keypoints (N, 2) px."""
        dim = self._network.dim
        if len(keypoints) == 0:
            return torch.empty(0, dim)
        points = keypoints.contiguous()
        patches = self._maps.rows("patches", len(points), 9 * dim)
        self._read_patches(pyramid, points.data_ptr(), len(points), patches.data_ptr())
        hidden = self._multiply(patches, self._offset_convs[0], _SELU, "hidden")
        offsets = self._multiply(hidden, self._offset_convs[1], _LINEAR, "offsets")
        return F.normalize(self._sum_samples(pyramid, points, offsets), dim=-1)

    def _read_patches(self, *arguments: Any) -> None:
        self._kernels.aliked_read_patches(*arguments)

    def _sum_samples(self, pyramid: Pyramid, points: Tensor, offsets: Tensor) -> Tensor:
        """Return descriptors (N, dim) of any length from the features at points + offsets."""
        num_samples, dim = self._network.desc_head.num_samples, self._network.dim
        limit = max(pyramid.height, pyramid.width) / 4
        samples = self._maps.rows("samples", len(points) * num_samples, dim)
        self._kernels.aliked_read_samples(
            pyramid, points.data_ptr(), offsets.data_ptr(), len(points), num_samples, limit,
            samples.data_ptr(),
        )  # fmt: skip
        samples = self._multiply(samples, self._sample_conv, _SELU, "convolved")
        samples = samples.view(len(points), -1)
        return self._multiply(samples, self._aggregation, _LINEAR, "descriptors")

    def _multiply(self, rows: Tensor, weights: Weights, activation: int, name: str) -> Tensor:
        out = self._maps.rows(name, len(rows), weights.outputs)
        self._kernels.aliked_multiply(
            rows.data_ptr(), len(rows), weights, activation, out.data_ptr()
        )
        return out


def _pack(*convs: Any) -> Weights:
    """Pack convolutions whose results are added."""
    matrix = torch.cat([conv.weight.permute(0, 2, 3, 1).flatten(1) for conv in convs], dim=1)
    biases = [conv.bias for conv in convs if conv.bias is not None]
    return Weights.pack(matrix, torch.stack(biases).sum(dim=0) if biases else None)


class _Block:
    """The packed convolutions of a block; the shortcut joins the second one."""

    def __init__(self, block: ConvBlock | ResidualBlock) -> None:
        convs = [block.conv1, block.conv2]
        self.offsets = [_pack(c.offset_conv) for c in convs if isinstance(c, DeformableConv2d)]
        first, second = [c.regular_conv if self.offsets else c for c in convs]
        self.has_shortcut = isinstance(block, ResidualBlock)
        self.first = _pack(first)
        self.second = _pack(second, block.downsample) if self.has_shortcut else _pack(second)


class Workspace:
    """All memory for images of one size; made once, overwritten by every image."""

    def __init__(self, network: ALIKED, height: int, width: int) -> None:
        sizes = [(height // stride, width // stride) for stride in (1, 2, 8, 32)]
        channels = network.channels
        self.image = Map.zeros(height, width, 3)
        self.blocks = [Map.zeros(*size, c) for size, c in zip(sizes, channels, strict=True)]
        self.hidden = [Map.zeros(*size, c) for size, c in zip(sizes, channels, strict=True)]
        self.pooled = [Map.zeros(*size, c) for size, c in zip(sizes[1:], channels, strict=False)]
        self.offsets = [Map.zeros(*size, 32) for size in sizes]  # two of them stay untouched
        self.levels = [Map.zeros(*size, network.dim // 4) for size in sizes[1:]]
        self.coarse = [Map.zeros(*size, 8) for size in sizes[1:]]
        self._memory: dict[str, Tensor] = {}

    def rows(
        self, name: str, rows: int, columns: int, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Return memory (rows, columns) that stays from image to image; it holds anything."""
        memory = self._memory.get(name)
        if memory is None or len(memory) < rows * columns:
            memory = self._memory[name] = torch.empty(rows * columns, dtype=dtype)
        return memory[: rows * columns].view(rows, columns)
