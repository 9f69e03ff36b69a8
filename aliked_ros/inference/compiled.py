"""ALIKED on a CPU by the compiled kernels of `src/`: the same results, several times faster."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.inference.kernels import Map, PaddedImage, Pyramid, ScoreHead, Weights
from aliked_ros.inference.workspace import Strip, Workspace
from aliked_ros.native import one_torch_thread
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import ConvBlock, DeformableConv2d, ResidualBlock
from aliked_ros.network.dkd import Detections
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
        self._fine_blocks: Sequence[Any] = self._blocks[:2]
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
            detections = self._refine(score_map, index)
            return detections, self.describe(pyramid, detections.keypoints[0]).unsqueeze(0)

    def _choose_peaks(self, score_map: Tensor, max_keypoints: int, threshold: float) -> Tensor:
        """Return the pixel numbers (K,) of the highest peaks above a threshold."""
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
        return index[chosen]

    def _refine(self, score_map: Tensor, index: Tensor) -> Detections:
        """Do what `detect_at` does of pixels (K,), none of which is filling."""
        num = len(index)
        keypoints, scores, dispersity = torch.empty(num, 2), torch.empty(num), torch.empty(num)
        self._kernels.aliked_refine_peaks(
            score_map.data_ptr(), *score_map.shape[1:], index.data_ptr(), num,
            keypoints.data_ptr(), scores.data_ptr(), dispersity.data_ptr(),
        )  # fmt: skip
        is_valid = torch.ones(1, num, dtype=torch.bool)
        return Detections(keypoints[None], scores[None], dispersity[None], is_valid)

    def encode(self, pixels: Tensor) -> tuple[Tensor, Pyramid]:
        """Return the score map (1, H, W) and what the features are computed from.

        Both are overwritten by the next image.
        """
        _, height, width, _ = pixels.shape
        left, right = split_padding(width)
        top, bottom = split_padding(height)
        image = PaddedImage.around(pixels[0], top, left)
        maps = self._take_workspace((height + top + bottom, width + left + right))
        maps.rewind()
        self._run_fine_blocks(image)
        self._run_deep_block(3, maps.pooled[1].map)
        last = maps.pooled[2]
        self._kernels.aliked_average_pool(
            maps.deep[0].block, _POOLS[2], last.extend(last.map.height)
        )
        self._run_deep_block(4, last.map)
        score_map = self._score(image)
        x1 = maps.blocks[0].map
        pyramid = Pyramid(
            x1 if maps.keeps_block1 else Map(None, x1.height, x1.width, x1.channels),
            image, self._blocks[0].first, self._blocks[0].second, self._levels[0],
            (maps.level.map, maps.deep[0].level, maps.deep[1].level),
        )  # fmt: skip
        pyramid.memory = image
        return score_map, pyramid

    def _take_workspace(self, size: tuple[int, int]) -> Workspace:
        """Return the memory for padded images (height, width); that of old sizes may go."""
        workspaces = self._workspaces
        workspace = workspaces.pop(size, None)
        while workspaces and sum(h * w for h, w in (size, *workspaces)) > _KEPT_PIXELS:
            del workspaces[next(iter(workspaces))]
        self._maps = workspaces[size] = workspace or self._make_workspace(*size)
        return self._maps

    def _make_workspace(self, height: int, width: int) -> Workspace:
        return Workspace(self._network.channels, height, width)

    def _run_fine_blocks(self, image: PaddedImage) -> None:
        """Run blocks 1 and 2; make the features of level 2 and the input of block 3."""
        maps, block = self._maps, self._fine_blocks[1]
        for end in maps.ends:
            self._run_block1(image, end)
            self._pool(maps.blocks[0], _POOLS[0], maps.pooled[0])
            self._convolve(maps.pooled[0], None, block.first, maps.hidden[1])
            self._convolve(maps.hidden[1], maps.pooled[0], block.second, maps.blocks[1])
            rows = maps.blocks[1].map.rows(maps.level.end, maps.blocks[1].end)
            self._make_level(rows, maps.level.extend(maps.blocks[1].end))
            self._pool(maps.blocks[1], _POOLS[1], maps.pooled[1])

    def _run_block1(self, image: PaddedImage, end: int) -> None:
        """Take the next rows of the padded image, up to `end`."""
        maps, block = self._maps, self._fine_blocks[0]
        begin = maps.image.end
        self._load_rows(image, begin, maps.image.extend(end))
        self._convolve(maps.image, None, block.first, maps.hidden[0])
        self._convolve(maps.hidden[0], None, block.second, maps.blocks[0])

    def _convolve(self, x: Strip, shortcut: Strip | None, weights: Any, out: Strip) -> None:
        """Make as many rows as can be: the last one needs a row below it, or the end."""
        begin, end = out.end, x.end - (x.end < x.map.height)
        beside = None if shortcut is None else shortcut.map.rows(begin, end)
        rows = x.map.rows(begin, end)
        self._convolve_rows(rows, beside, weights, out.extend(end))

    def _pool(self, x: Strip, size: int, out: Strip) -> None:
        begin, end = out.end, x.end // size
        rows = x.map.rows(begin * size, end * size)
        self._pool_rows(rows, size, out.extend(end))

    def _load_rows(self, image: PaddedImage, first_row: int, out: Map) -> None:
        self._kernels.aliked_load_image(image, first_row, out)

    def _convolve_rows(self, x: Map, shortcut: Map | None, weights: Any, out: Map) -> None:
        self._kernels.aliked_convolve(x, shortcut, weights, _SELU, out)

    def _pool_rows(self, x: Map, size: int, out: Map) -> None:
        self._kernels.aliked_average_pool(x, size, out)

    def _make_level(self, x: Map, out: Map) -> None:
        """Make rows of level 2 of the feature pyramid."""
        self._kernels.aliked_project(x, self._levels[1], _SELU, out)

    def _score_rows(self, *arguments: Any) -> None:
        self._kernels.aliked_score(*arguments)

    def _run_deep_block(self, number: int, x: Map) -> None:
        """Run block 3 or 4 and make its level and its part of the score head."""
        block, kernels, maps = self._blocks[number - 1], self._kernels, self._maps.deep[number - 3]
        offsets, hidden = maps.offsets, maps.hidden
        limit = max(x.height, x.width) / 4
        kernels.aliked_convolve(x, None, block.offsets[0], _LINEAR, offsets)
        kernels.aliked_convolve_deformable(x, offsets, limit, None, block.first, hidden)
        kernels.aliked_convolve(hidden, None, block.offsets[1], _LINEAR, offsets)
        kernels.aliked_convolve_deformable(hidden, offsets, limit, x, block.second, maps.block)
        kernels.aliked_project(maps.block, self._levels[number - 1], _SELU, maps.level)
        kernels.aliked_project(maps.level, self._head[number - 1], _LINEAR, maps.coarse)

    def _score(self, image: PaddedImage) -> Tensor:
        """Return the score map (1, H, W)."""
        maps, x1, coarse = self._maps, self._maps.blocks[0], self._maps.coarse
        score_map = maps.rows("score_map", image.height, image.width)
        done = 0  # rows of the image
        if not maps.keeps_block1:
            for strip in (maps.image, maps.hidden[0], x1):
                strip.rewind()
        for end in maps.ends:
            if x1.end < end:
                self._run_block1(image, end)
            # The score map is five rows behind: two by block 1 and three by the score head.
            last = end if end == x1.map.height else end - 5
            last = min(last - image.top, image.height)
            below = min(end // 2 + 1, coarse.map.height)
            rows = maps.level.map.rows(coarse.end, below)
            self._kernels.aliked_project(rows, self._head[1], _LINEAR, coarse.extend(below))
            head = ScoreHead(
                self._levels[0], self._head[0],
                (coarse.map, maps.deep[0].coarse, maps.deep[1].coarse),
                *(kernel.data_ptr() for kernel in self._head_kernels),
            )  # fmt: skip
            self._score_rows(
                x1.map, head, image.top + done, image.left, last - done, image.width,
                score_map[done:].data_ptr(),
            )  # fmt: skip
            done = last
        return score_map.unsqueeze(0)

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
        limit = max(pyramid.image.height, pyramid.image.width) / 4
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
