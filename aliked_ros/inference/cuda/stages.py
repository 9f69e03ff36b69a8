"""The stages by Triton kernels: which kernel gets what."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.cuda.describing import Describer
from aliked_ros.inference.cuda.detecting import detect
from aliked_ros.inference.cuda.kernels.convolve import convolve, convolve_image, convolve_to_offsets
from aliked_ros.inference.cuda.kernels.deformable import convolve_deformable
from aliked_ros.inference.cuda.kernels.outputs import project
from aliked_ros.inference.cuda.kernels.score import add_levels, convolve_planes, convolve_to_score
from aliked_ros.inference.cuda.launching import launch
from aliked_ros.inference.cuda.tuning import Tuning, blocks, choices
from aliked_ros.inference.cuda.weights import (
    NUM_OFFSETS,
    Convolution,
    num_parts,
    pack_convolution,
    pack_deformable,
    pack_image_convolution,
    pack_planes,
    pack_projection,
    pack_shortcut,
    padded,
)
from aliked_ros.inference.stages import Controls, First, Geometry, Level, Outputs
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import DeformableConv2d, ResidualBlock


class TritonStages:
    """The stages by Triton kernels.

    Args:
        network: the result of `ALIKED.fuse()`, on the device, in float32.
        dtype: float32, or float16 for an encoder in half precision; the rest is float32.
        overrides: other cuts than the usual ones, by launch.
    """

    def __init__(
        self, network: ALIKED, dtype: torch.dtype, overrides: Tuning | None = None
    ) -> None:
        self._dtype = dtype
        self._parts = parts = num_parts(dtype)
        self._tuning = choices(overrides)
        self._image = pack_image_convolution(network.block1.conv1, parts)
        self._image_bias = pack_convolution(network.block1.conv1, parts).bias
        self._block1 = pack_convolution(network.block1.conv2, parts)
        self._block2 = [pack_convolution(network.block2.conv1, parts)]
        self._block2.append(pack_convolution(network.block2.conv2, parts))
        self._shortcut2 = pack_shortcut(network.block2.downsample, self._block2[1], parts)
        self._deformable = {
            number: _Deformable(getattr(network, f"block{number}"), parts) for number in (3, 4)
        }
        self._projections = {n: pack_projection(network, n, parts) for n in (1, 2, 3, 4)}
        self._planes = pack_planes(network)
        self._level_channels = network.dim // 4
        self._describer = Describer(network, self._tuning, parts)

    def first(self, pixels: Tensor, geometry: Geometry, controls: Controls) -> First:
        """See `Stages.first`."""
        batch, height, width = geometry.batch, geometry.padded_height, geometry.padded_width
        conv, choice = self._block1, self._tuning["image"]
        inner = self._map(pixels, batch, height, width, conv.inputs)
        launch(
            "image", convolve_image, _grid(height * width, choice, batch), choice,
            pixels, self._image[geometry.channels], self._image_bias, controls.varies, inner,
            geometry.height, geometry.width, geometry.top, geometry.left, height, width,
            channels=geometry.channels, outputs=conv.inputs, padded_outputs=padded(conv.inputs),
            parts=self._parts,
        )  # fmt: skip
        x1 = self._map(pixels, batch, height, width, conv.outputs)
        pooled = self._map(pixels, batch, height // 2, width // 2, conv.outputs)
        fine = torch.empty((batch, height, width, 8), device=pixels.device)
        self._convolve("block1", inner, conv, 2, 1, out=x1, pooled=pooled, coarse=fine)
        return First(x1, pooled, fine)

    def second(self, pooled: Tensor) -> Level:
        """See `Stages.second`."""
        first, second = self._block2
        matrix, bias = self._shortcut2
        inner = self._map(pooled, *_size(pooled), first.outputs)
        self._convolve("block2_first", pooled, first, 1, 2, out=inner)
        result = self._level(pooled, second.outputs)
        self._convolve(
            "block2_second", inner, second._replace(bias=bias), 4, 2, pooled=result.pooled,
            level=result.level, coarse=result.coarse, shortcut=pooled, shortcut_weights=matrix,
        )  # fmt: skip
        return result

    def third(self, pooled: Tensor) -> Level:
        """See `Stages.third`."""
        block = self._deformable[3]
        inner = self._map(pooled, *_size(pooled), block.first.outputs)
        self._deform(3, pooled, 0, out=inner)
        result = self._level(pooled, block.second.outputs)
        self._deform(3, inner, 1, shortcut=pooled, pooled=result.pooled, level=result.level,
                     coarse=result.coarse)  # fmt: skip
        return result

    def fourth(self, pooled: Tensor) -> Level:
        """See `Stages.fourth`."""
        block, projection = self._deformable[4], self._projections[4]
        batch, height, width = _size(pooled)
        inner = self._map(pooled, batch, height, width, block.first.outputs)
        self._deform(4, pooled, 0, out=inner)
        x4 = torch.empty_like(inner)
        self._deform(4, inner, 1, shortcut=pooled, out=x4)
        result, choice = self._level(pooled, 0), self._tuning["project"]
        launch(
            "project", project, _grid(height * width, choice, batch), choice,
            x4, result.level, projection.level, result.coarse, projection.coarse, height * width,
            channels=block.first.outputs, level_channels=self._level_channels, parts=self._parts,
        )  # fmt: skip
        return result

    def score(self, fine: Tensor, coarse: tuple[Tensor, ...], geometry: Geometry) -> Tensor:
        """See `Stages.score`."""
        batch, height, width, _ = fine.shape
        choice = self._tuning["add_levels"]
        planes = torch.empty((batch, 8, height, width), device=fine.device)
        launch(
            "add_levels", add_levels, _grid(height * width, choice, batch), choice,
            fine, *coarse, planes, height, width,
        )  # fmt: skip
        choice = self._tuning["planes"]
        for weights in self._planes[:2]:
            num_in, _, num_out = weights.shape
            out = torch.empty((batch, num_out, height, width), device=fine.device)
            launch(
                "planes", convolve_planes, _grid(height * width, choice, batch), choice,
                planes, weights, out, height, width, inputs=num_in, outputs=num_out,
            )  # fmt: skip
            planes = out
        size = (geometry.height, geometry.width)
        score = torch.empty((batch, *size), device=fine.device)
        launch(
            "planes", convolve_to_score, _grid(size[0] * size[1], choice, batch), choice,
            planes, self._planes[2], score, height, width, geometry.top, geometry.left, *size,
            inputs=planes.shape[1],
        )  # fmt: skip
        return score

    def detect(self, score_map: Tensor, controls: Controls, outputs: Outputs) -> None:
        """See `Stages.detect`."""
        detect(score_map, controls, outputs, self._tuning)

    def describe(
        self, x1: Tensor, levels: tuple[Tensor, ...], geometry: Geometry, outputs: Outputs
    ) -> None:
        """See `Stages.describe`."""
        self._describer(x1, levels, geometry, outputs)

    def _map(self, like: Tensor, batch: int, height: int, width: int, channels: int) -> Tensor:
        """Return memory for a map in parts."""
        shape = (batch, height, width, self._parts, channels)
        return torch.empty(shape, dtype=torch.float16, device=like.device)

    def _level(self, pooled: Tensor, outputs: int) -> Level:
        """Return memory for a block's results; with 0 outputs there are no means of 4x4 px."""
        batch, height, width = _size(pooled)
        shape = (batch, height, width, self._level_channels)
        level = torch.empty(shape, dtype=self._dtype, device=pooled.device)
        coarse = torch.empty((batch, height, width, 8), device=pooled.device)
        means = self._map(pooled, batch, height // 4, width // 4, outputs) if outputs else None
        return Level(level, coarse, means)

    def _convolve(
        self, name: str, x: Tensor, conv: Convolution, cell: int, number: int,
        out: Tensor | None = None, pooled: Tensor | None = None, level: Tensor | None = None,
        coarse: Tensor | None = None, shortcut: Tensor | None = None,
        shortcut_weights: Tensor | None = None,
    ) -> None:  # fmt: skip
        """Launch `convolve` for one of the layers of block `number`."""
        batch, height, width = _size(x)
        choice, projection = self._tuning[name], self._projections[number]
        length, shortcuts = _row_length(x), _row_length(shortcut)
        launch(
            name, convolve, _grid(height * width, choice, batch), choice,
            x, conv.weights, conv.bias, shortcut, shortcut_weights, out, pooled, level,
            None if coarse is None else projection.level, coarse,
            None if coarse is None else projection.coarse, height, width,
            inputs=length, padded_inputs=padded(length),
            outputs=conv.outputs, padded_outputs=padded(conv.outputs),
            shortcuts=shortcuts, padded_shortcuts=padded(shortcuts),
            level_channels=self._level_channels, cell=cell, parts=self._parts,
        )  # fmt: skip

    def _deform(
        self, number: int, x: Tensor, which: int, shortcut: Tensor | None = None,
        out: Tensor | None = None, pooled: Tensor | None = None, level: Tensor | None = None,
        coarse: Tensor | None = None,
    ) -> None:  # fmt: skip
        """Launch one of the two deformable convolutions of a block, and what moves its taps."""
        batch, height, width = _size(x)
        block, projection = self._deformable[number], self._projections[number]
        offsets = torch.empty((batch, height, width, NUM_OFFSETS), device=x.device)
        moving, choice = block.offsets[which], self._tuning[f"offsets{number}"]
        length, shortcuts = _row_length(x), _row_length(shortcut)
        launch(
            f"offsets{number}", convolve_to_offsets, _grid(height * width, choice, batch), choice,
            x, moving.weights, moving.bias, offsets, height, width, max(height, width) / 4,
            inputs=length, padded_inputs=padded(length), outputs=NUM_OFFSETS, parts=self._parts,
        )  # fmt: skip
        conv, choice = (block.first, block.second)[which], dict(self._tuning[f"deform{number}"])
        chunk = min(choice.pop("chunk", conv.outputs), conv.outputs)
        grid = (*_grid(height * width, choice, batch), conv.outputs // chunk)
        launch(
            f"deform{number}", convolve_deformable, grid, choice, x, offsets, conv.weights,
            conv.bias if shortcut is None else block.bias,
            shortcut, None if shortcut is None else block.shortcut, out, pooled, level,
            None if coarse is None else projection.level, coarse,
            None if coarse is None else projection.coarse, height, width,
            inputs=conv.inputs, padded_inputs=padded(conv.inputs), outputs=conv.outputs,
            shortcuts=shortcuts, padded_shortcuts=padded(shortcuts),
            level_channels=self._level_channels, cell=1 if pooled is None else 4, chunk=chunk,
            parts=self._parts,
        )  # fmt: skip


def _grid(num_pixels: int, choice: dict[str, int], batch: int) -> tuple[int, int]:
    """Return the programs for all pixels of all images."""
    return blocks(num_pixels, choice["block"]), batch


def _size(rows: Tensor) -> tuple[int, int, int]:
    """Return batch, height and width of a map (B, h, w, parts, C)."""
    return rows.shape[0], rows.shape[1], rows.shape[2]


def _row_length(rows: Tensor | None) -> int:
    """Return how many numbers a row of a map (B, h, w, parts, C) has."""
    return 16 if rows is None else rows.shape[3] * rows.shape[4]


class _Deformable:
    """The packed parameters of a block of deformable convolutions."""

    def __init__(self, block: ResidualBlock, parts: int) -> None:
        convs = [conv for conv in (block.conv1, block.conv2) if isinstance(conv, DeformableConv2d)]
        self.offsets = [pack_convolution(conv.offset_conv, parts, NUM_OFFSETS) for conv in convs]
        self.first, self.second = (pack_deformable(conv.regular_conv, parts) for conv in convs)
        self.shortcut, self.bias = pack_shortcut(block.downsample, self.second, parts)
