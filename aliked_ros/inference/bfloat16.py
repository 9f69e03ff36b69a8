"""ALIKED on a CPU that multiplies bfloat16: maps and weights of the large layers in 16 bits."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.inference.compiled import CompiledALIKED
from aliked_ros.inference.kernels import Map, Map16, PaddedImage, Pyramid, Weights16, load_kernels
from aliked_ros.inference.workspace import Workspace
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
        self._fine_blocks = [_Block16(network.block1), _Block16(network.block2)]
        head = network.desc_head
        self._sample_conv16 = Weights16.pack(head.sf_conv.weight.flatten(1))
        self._aggregation16 = Weights16.pack(head.agg_weights.flatten(0, 1).T)

    def _make_workspace(self, height: int, width: int) -> Workspace:
        return Workspace(self._network.channels, height, width, Map16)

    def _load_rows(self, image: PaddedImage, first_row: int, out: Map) -> None:
        self._kernels.aliked_load_image16(image, first_row, out)

    def _convolve_rows(self, x: Map, shortcut: Map | None, weights: Any, out: Map) -> None:
        self._kernels.aliked_convolve16(x, shortcut, weights, out)

    def _pool_rows(self, x: Map, size: int, out: Map) -> None:
        if isinstance(out, Map16):
            self._kernels.aliked_average_pool16(x, size, out)
        else:
            self._kernels.aliked_average_pool32(x, size, out)

    def _make_level(self, x: Map, out: Map) -> None:
        self._kernels.aliked_project16(x, self._levels[1], out)

    def _score_rows(self, *arguments: Any) -> None:
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
            max(pyramid.image.height, pyramid.image.width) / 4, samples.data_ptr(),
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
