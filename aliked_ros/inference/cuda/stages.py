"""The stages by Triton kernels: which kernel gets what."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.cuda.convolve import convolve, convolve_image
from aliked_ros.inference.cuda.deformable import convolve_deformable
from aliked_ros.inference.cuda.describing import Describer
from aliked_ros.inference.cuda.detecting import detect
from aliked_ros.inference.cuda.outputs import project
from aliked_ros.inference.cuda.score import add_levels, convolve_planes, convolve_to_score
from aliked_ros.inference.cuda.tuning import Tuning, blocks, choices, launch, products
from aliked_ros.inference.cuda.weights import (
    NUM_OFFSETS,
    Convolution,
    Projection,
    pack_convolution,
    pack_image_convolution,
    pack_matrix,
    pack_offsets,
    pack_planes,
    pack_projection,
    pack_shortcut,
    padded,
)
from aliked_ros.inference.stages import Controls, First, Geometry, Level, Outputs
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import ResidualBlock


class TritonStages:
    """The stages by Triton kernels.

    Args:
        network: the result of `ALIKED.fuse()`, on the device, in float32.
        dtype: of the maps and of the products in the encoder; the rest is float32.
        overrides: other cuts than the usual ones, by launch.
    """

    def __init__(
        self, network: ALIKED, dtype: torch.dtype, overrides: Tuning | None = None
    ) -> None:
        self._dtype = dtype
        self._tuning = choices(overrides)
        self._precision = products(network.conv1.weight.device)
        self._image = pack_image_convolution(network.block1.conv1, dtype)
        self._image_bias = pack_convolution(network.block1.conv1, dtype).bias
        self._block1 = pack_convolution(network.block1.conv2, dtype)
        self._block2 = [pack_convolution(network.block2.conv1, dtype)]
        self._block2.append(pack_convolution(network.block2.conv2, dtype))
        self._shortcut2 = pack_shortcut(network.block2.downsample, self._block2[1], dtype)
        self._deformable = {
            number: _Deformable(getattr(network, f"block{number}"), dtype) for number in (3, 4)
        }
        self._projections = {n: pack_projection(network, n, dtype) for n in (1, 2, 3, 4)}
        self._planes = pack_planes(network)
        self._describer = Describer(network, self._tuning, self._precision)

    def first(self, pixels: Tensor, geometry: Geometry, controls: Controls) -> First:
        """See `Stages.first`."""
        batch, height, width = geometry.batch, geometry.padded_height, geometry.padded_width
        conv, projection, choice = self._block1, self._projections[1], self._tuning["image"]
        inner = self._new(pixels, batch, height, width, conv.inputs)
        launch(
            convolve_image, (blocks(height * width, choice["block"]), batch), choice,
            pixels, self._image[geometry.channels], self._image_bias, controls.varies, inner,
            geometry.height, geometry.width, geometry.top, geometry.left, height, width,
            channels=geometry.channels, outputs=conv.inputs, padded_outputs=padded(conv.inputs),
            precision=self._precision,
        )  # fmt: skip
        x1 = self._new(pixels, batch, height, width, conv.outputs)
        pooled = self._new(pixels, batch, height // 2, width // 2, conv.outputs)
        fine = torch.empty((batch, height, width, 8), device=pixels.device)
        self._convolve("block1", inner, conv, 2, out=x1, pooled=pooled,
                       coarse=fine, projection=projection)  # fmt: skip
        return First(x1, pooled, fine)

    def second(self, pooled: Tensor) -> Level:
        """See `Stages.second`."""
        first, second = self._block2
        projection = self._projections[2]
        batch, height, width, _ = pooled.shape
        inner = self._new(pooled, batch, height, width, first.outputs)
        self._convolve("block2_first", pooled, first, 1, out=inner)
        level, coarse, means = self._level_maps(pooled, second.outputs, projection)
        matrix, bias = self._shortcut2
        self._convolve("block2_second", inner, second._replace(bias=bias), 4, pooled=means,
                       level=level, coarse=coarse, projection=projection,
                       shortcut=pooled, shortcut_weights=matrix)  # fmt: skip
        return Level(level, coarse, means)

    def third(self, pooled: Tensor) -> Level:
        """See `Stages.third`."""
        block = self._deformable[3]
        level, coarse, means = self._level_maps(pooled, block.second.outputs, self._projections[3])
        inner = self._new(pooled, *pooled.shape[:3], block.first.outputs)
        self._deform(3, pooled, 0, out=inner)
        self._deform(3, inner, 1, shortcut=pooled, pooled=means, level=level, coarse=coarse)
        return Level(level, coarse, means)

    def fourth(self, pooled: Tensor) -> Level:
        """See `Stages.fourth`."""
        block, projection, choice = self._deformable[4], self._projections[4], self._tuning["project"]
        batch, height, width, _ = pooled.shape
        inner = self._new(pooled, batch, height, width, block.first.outputs)
        self._deform(4, pooled, 0, out=inner)
        x4 = torch.empty_like(inner)
        self._deform(4, inner, 1, shortcut=pooled, out=x4)
        level = self._new(pooled, batch, height, width, projection.level_channels)
        coarse = torch.empty((batch, height, width, 8), device=pooled.device)
        launch(
            project, (blocks(height * width, choice["block"]), batch), choice,
            x4, level, projection.level, coarse, projection.coarse, height * width,
            channels=block.first.outputs, level_channels=projection.level_channels,
            precision=self._precision,
        )  # fmt: skip
        return Level(level, coarse, None)

    def score(self, fine: Tensor, coarse: tuple[Tensor, ...], geometry: Geometry) -> Tensor:
        """See `Stages.score`."""
        batch, height, width, _ = fine.shape
        choice = self._tuning["add_levels"]
        planes = torch.empty((batch, 8, height, width), device=fine.device)
        launch(
            add_levels, (blocks(height * width, choice["block"]), batch), choice,
            fine, *coarse, planes, height, width,
        )  # fmt: skip
        choice = self._tuning["planes"]
        for weights in self._planes[:2]:
            num_in, _, num_out = weights.shape
            out = torch.empty((batch, num_out, height, width), device=fine.device)
            launch(
                convolve_planes, (blocks(height * width, choice["block"]), batch), choice,
                planes, weights, out, height, width, inputs=num_in, outputs=num_out,
            )  # fmt: skip
            planes = out
        size = (geometry.height, geometry.width)
        score = torch.empty((batch, *size), device=fine.device)
        launch(
            convolve_to_score, (blocks(size[0] * size[1], choice["block"]), batch), choice,
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

    def _new(self, like: Tensor, *shape: int) -> Tensor:
        return torch.empty(shape, dtype=self._dtype, device=like.device)

    def _level_maps(
        self, pooled: Tensor, outputs: int, projection: Projection
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return memory for a level, its part of the score head, and the means of 4x4 px."""
        batch, height, width, _ = pooled.shape
        level = self._new(pooled, batch, height, width, projection.level_channels)
        coarse = torch.empty((batch, height, width, 8), device=pooled.device)
        return level, coarse, self._new(pooled, batch, height // 4, width // 4, outputs)

    def _convolve(
        self, name: str, x: Tensor, conv: Convolution, cell: int, out: Tensor | None = None,
        pooled: Tensor | None = None, level: Tensor | None = None, coarse: Tensor | None = None,
        projection: Projection | None = None, shortcut: Tensor | None = None,
        shortcut_weights: Tensor | None = None, is_linear: bool = False,
    ) -> None:  # fmt: skip
        """Launch `convolve`."""
        batch, height, width, _ = x.shape
        choice, to_level, to_coarse, channels = self._tuning[name], None, None, 16
        if projection is not None:
            to_level, to_coarse, channels = projection
        shortcuts = 16 if shortcut is None else shortcut.shape[3]
        launch(
            convolve, (blocks(height * width, choice["block"]), batch), choice,
            x, conv.weights, conv.bias, shortcut, shortcut_weights,
            out, pooled, level, to_level, coarse, to_coarse, height, width,
            inputs=conv.inputs, padded_inputs=padded(conv.inputs),
            outputs=conv.weights.shape[2] if is_linear else conv.outputs,
            padded_outputs=conv.weights.shape[2],
            shortcuts=shortcuts, padded_shortcuts=padded(shortcuts), level_channels=channels,
            cell=cell, is_linear=is_linear, precision=self._precision,
        )  # fmt: skip

    def _deform(
        self, number: int, x: Tensor, which: int, shortcut: Tensor | None = None,
        out: Tensor | None = None, pooled: Tensor | None = None, level: Tensor | None = None,
        coarse: Tensor | None = None,
    ) -> None:  # fmt: skip
        """Launch one of the two deformable convolutions of a block, and what moves its taps."""
        batch, height, width, _ = x.shape
        block, projection = self._deformable[number], self._projections[number]
        conv = (block.first, block.second)[which]
        offsets = torch.empty((batch, height, width, NUM_OFFSETS), device=x.device)
        self._convolve(f"offsets{number}", x, block.offsets[which], 1, out=offsets, is_linear=True)
        choice = dict(self._tuning[f"deform{number}"])
        chunk = min(choice.pop("chunk", conv.outputs), conv.outputs)
        shortcuts = 16 if shortcut is None else shortcut.shape[3]
        launch(
            convolve_deformable,
            (blocks(height * width, choice["block"]), batch, conv.outputs // chunk), choice,
            x, offsets, conv.weights, conv.bias if shortcut is None else block.bias,
            shortcut, None if shortcut is None else block.shortcut,
            out, pooled, level, projection.level, coarse, projection.coarse,
            height, width, max(height, width) / 4,
            inputs=conv.inputs, padded_inputs=padded(conv.inputs), outputs=conv.outputs,
            shortcuts=shortcuts, padded_shortcuts=padded(shortcuts),
            level_channels=projection.level_channels, cell=1 if pooled is None else 4,
            chunk=chunk, precision=self._precision,
        )  # fmt: skip


class _Deformable:
    """The packed parameters of a block of deformable convolutions."""

    def __init__(self, block: ResidualBlock, dtype: torch.dtype) -> None:
        self.offsets = [pack_offsets(conv, dtype) for conv in (block.conv1, block.conv2)]
        self.first = pack_convolution(block.conv1.regular_conv, dtype)
        self.second = pack_convolution(block.conv2.regular_conv, dtype)
        self.shortcut, self.bias = pack_shortcut(block.downsample, self.second, dtype)
