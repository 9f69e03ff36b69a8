"""ALIKED on a CPU that multiplies bfloat16: maps and weights of the large layers in 16 bits."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.inference.compiled import CompiledALIKED, Workspace
from aliked_ros.inference.kernels import Map, Map16, Pyramid, Weights16, load_kernels
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.blocks import ConvBlock, ResidualBlock

_SAFE = "set precision to 'float32'"


def why_no_bfloat16(device: torch.device, backend: str) -> str:
    """Return why bfloat16 cannot be had, with a remedy; "" where it can."""
    if device.type != "cpu":
        return f"it is for CPUs: {_SAFE} or 'float16', or device to 'cpu'"
    if backend != "auto":
        return f"the plain network has none: {_SAFE} or backend to 'auto'"
    kernels = load_kernels()
    if kernels is None:
        return f"it needs the compiled kernels, which are not installed: {_SAFE}"
    if not kernels.aliked_has_bfloat16():
        return f"this processor has no AVX512_BF16 instructions: {_SAFE}"
    return ""


class Bfloat16ALIKED(CompiledALIKED):
    """A network whose blocks 1 and 2 and descriptors multiply bfloat16 and add up in float32.

    The small maps behind them, the score head and the detection stay in float32.

    Args:
        network: the result of `ALIKED.fuse()`.
        kernels: the result of `load_kernels()`, on a processor that has the instructions.
    """

    name = "compiled kernels, bfloat16"

    def __init__(self, network: ALIKED, kernels: ctypes.CDLL) -> None:
        super().__init__(network, kernels)
        self._halves = [_Block16(network.block1), _Block16(network.block2)]
        head = network.desc_head
        self._sample_conv16 = Weights16.pack(head.sf_conv.weight.flatten(1))
        self._aggregation16 = Weights16.pack(head.agg_weights.flatten(0, 1).T)

    def _make_workspace(self, height: int, width: int) -> Workspace:
        return _Workspace16(self._network, height, width)

    def _load_image(self, pixels: Tensor, top: int, left: int) -> None:
        self._kernels.aliked_load_image16(
            pixels.data_ptr(), *pixels.shape[1:], top, left, self._maps.image
        )

    def _run_block(self, number: int, x: Map) -> None:
        if number >= len(self._halves):
            super()._run_block(number, x)
            return
        block, hidden = self._halves[number], self._maps.hidden[number]
        shortcut = x if block.has_shortcut else None
        self._kernels.aliked_convolve16(x, None, block.first, hidden)
        self._kernels.aliked_convolve16(hidden, shortcut, block.second, self._maps.blocks[number])

    def _pool(self, number: int, size: int) -> None:
        x, means = self._maps.blocks[number - 1], self._maps.pooled[number - 1]
        if number == 1:
            self._kernels.aliked_average_pool16(x, size, means)
        elif number == 2:
            self._kernels.aliked_average_pool32(x, size, means)
        else:
            super()._pool(number, size)

    def _make_level(self, number: int) -> None:
        if number > 1:
            super()._make_level(number)
            return
        maps = self._maps
        self._kernels.aliked_project16(maps.blocks[1], self._levels[1], maps.levels[0])

    def _score(self, *arguments: Any) -> None:
        self._kernels.aliked_score16(*arguments)

    def _read_patches(self, *arguments: Any) -> None:
        self._kernels.aliked_read_patches16(*arguments)

    def _sum_samples(self, pyramid: Pyramid, points: Tensor, offsets: Tensor) -> Tensor:
        kernels, maps = self._kernels, self._maps
        num_samples, dim = self._network.desc_head.num_samples, self._network.dim
        num_rows = len(points) * num_samples
        samples = maps.rows("samples", num_rows, dim, torch.bfloat16)
        kernels.aliked_read_samples16(
            pyramid, points.data_ptr(), offsets.data_ptr(), len(points), num_samples,
            max(pyramid.height, pyramid.width) / 4, samples.data_ptr(),
        )  # fmt: skip
        convolved = maps.rows("convolved", num_rows, dim, torch.bfloat16)
        kernels.aliked_multiply16(
            samples.data_ptr(), num_rows, dim, self._sample_conv16, convolved.data_ptr()
        )
        descriptors = maps.rows("descriptors", len(points), dim)
        kernels.aliked_sum16(
            convolved.data_ptr(), len(points), num_samples * dim, self._aggregation16,
            descriptors.data_ptr(),
        )  # fmt: skip
        return descriptors


class _Block16:
    """The packed convolutions of an ordinary block; the shortcut joins the second one."""

    def __init__(self, block: ConvBlock | ResidualBlock) -> None:
        first, second = block.conv1, block.conv2
        assert isinstance(first, nn.Conv2d)
        assert isinstance(second, nn.Conv2d)
        self.has_shortcut = isinstance(block, ResidualBlock)
        weight = first.weight
        if weight.shape[1] == 3:  # pixels in [0, 255], and a zero
            weight = F.pad(weight / 255, (0, 0, 0, 0, 0, 1))
        self.first = Weights16.pack(_taps(weight), first.bias)
        matrix, bias = _taps(second.weight), second.bias
        if isinstance(block, ResidualBlock):
            shortcut = block.downsample
            assert bias is not None
            assert shortcut.bias is not None
            matrix = torch.cat((matrix, shortcut.weight.flatten(1)), dim=1)
            bias = bias + shortcut.bias
        self.second = Weights16.pack(matrix, bias)


def _taps(weight: Tensor) -> Tensor:
    """Return a kernel (out, in, 3, 3) as a matrix (out, 9 * in) of bfloat16 numbers.

    What rounding takes from a tap is given to the next smaller one. Their sum stays, so that on
    smooth images the error nearly vanishes.
    """
    kernel = weight.flatten(2)  # (out, in, 9)
    order = kernel.abs().argsort(dim=2, descending=True)
    rounded, rest = torch.zeros_like(kernel), torch.zeros_like(kernel[:, :, :1])
    for tap in order.chunk(9, dim=2):
        wanted = kernel.gather(2, tap) + rest
        nearest = wanted.to(torch.bfloat16).to(wanted.dtype)
        rounded.scatter_(2, tap, nearest)
        rest = wanted - nearest
    return rounded.transpose(1, 2).flatten(1)


class _Workspace16(Workspace):
    """The maps of blocks 1 and 2 in bfloat16."""

    def __init__(self, network: ALIKED, height: int, width: int) -> None:
        super().__init__(network, height, width)
        self.image = Map16.zeros(height, width, 4)
        for number in (0, 1):
            stride, channels = number + 1, network.channels[number]
            size = (height // stride, width // stride)
            self.blocks[number] = Map16.zeros(*size, channels)
            self.hidden[number] = Map16.zeros(*size, channels)
        self.pooled[0] = Map16.zeros(height // 2, width // 2, network.channels[0])
