"""The compiled CPU kernels of the network and of matching: their types as ctypes sees them."""

from __future__ import annotations

import ctypes
import mmap
from contextlib import suppress
from functools import cache
from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.native import load_library, one_torch_thread, open_library


class Map(ctypes.Structure):
    """A feature map of `kernels.hpp`; keeps its memory alive."""

    dtype: ClassVar[torch.dtype] = torch.float32

    _fields_ = (
        ("origin", ctypes.c_void_p),
        ("height", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("channels", ctypes.c_int32),
    )

    @classmethod
    def zeros(cls, height: int, width: int, channels: int) -> Map:
        """Return a map of zeros in a border of zeros."""
        shape = (height + 2, width + 2, channels)
        padded = _untouched_zeros(prod(shape), cls.dtype).view(shape)
        result = cls(padded[1:, 1:].data_ptr(), height, width, channels)
        result.padded = padded
        return result

    def rows(self, begin: int, end: int) -> Map:
        """Return the rows [begin, end) of this map, without keeping its memory alive."""
        step = (self.width + 2) * self.channels * self.dtype.itemsize
        return type(self)(self.origin + begin * step, end - begin, self.width, self.channels)


class Map16(Map):
    """A feature map in bfloat16."""

    dtype = torch.bfloat16


class Weights(ctypes.Structure):
    """A packed matrix of `kernels.hpp`; keeps its memory alive."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("inputs", ctypes.c_int32),
        ("outputs", ctypes.c_int32),
        ("block", ctypes.c_int32),
    )

    @classmethod
    def pack(
        cls, matrix: Tensor, bias: Tensor | None = None, block: int = 0, fill_bias: float = 0.0
    ) -> Weights:
        """Pack a matrix (outputs, inputs) and a bias (outputs,), float32.

        The outputs are filled up to whole blocks (of 8, 16 or 32; 0 takes the smallest that is
        enough, or 32) with weights of zero and the bias `fill_bias`.
        """
        outputs, inputs = matrix.shape
        block = block or (8 if outputs <= 8 else 16 if outputs <= 16 else 32)
        fill = -outputs % block
        data = F.pad(matrix, (0, 0, 0, fill)).view(-1, block, inputs).transpose(1, 2).contiguous()
        if bias is None:
            bias = torch.zeros(outputs)
        padded_bias = F.pad(bias, (0, fill), value=fill_bias).contiguous()
        result = cls(data.data_ptr(), padded_bias.data_ptr(), inputs, outputs + fill, block)
        result.memory = (data, padded_bias)
        return result


class Weights16(ctypes.Structure):
    """A packed matrix of `bfloat16.cpp`; keeps its memory alive."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("groups", ctypes.c_int32),
        ("outputs", ctypes.c_int32),
        ("block", ctypes.c_int32),
    )

    @classmethod
    def pack(cls, matrix: Tensor, bias: Tensor | None = None) -> Weights16:
        """Pack a matrix (outputs, inputs) and a bias (outputs,), float32; it is rounded.

        Outputs fill whole blocks: 8, 16 or a multiple of 32. Inputs are a multiple of four.
        """
        outputs, inputs = matrix.shape
        block = min(outputs, 32)
        group = 4 if block == 8 else 2
        data = matrix.view(-1, block, inputs // group, group).transpose(1, 2)
        data = data.to(torch.bfloat16).contiguous()
        bias = torch.zeros(outputs) if bias is None else bias.contiguous()
        result = cls(data.data_ptr(), bias.data_ptr(), inputs // group, outputs, block)
        result.memory = (data, bias)
        return result


class ScoreHead(ctypes.Structure):
    """The layers of the score head and the coarse maps that enter it."""

    _fields_ = (
        ("level", Weights),
        ("first", Weights),
        ("coarse", Map * 3),
        ("second", ctypes.c_void_p),
        ("third", ctypes.c_void_p),
        ("fourth", ctypes.c_void_p),
    )


class PaddedImage(ctypes.Structure):
    """Pixels inside a larger image; keeps their memory alive."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("height", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("channels", ctypes.c_int32),
        ("top", ctypes.c_int32),
        ("left", ctypes.c_int32),
    )

    @classmethod
    def around(cls, pixels: Tensor, top: int, left: int) -> PaddedImage:
        """Take pixels (H, W, 1 or 3) uint8 and the padding before them, px."""
        pixels = pixels.contiguous()
        result = cls(pixels.data_ptr(), *pixels.shape, top, left)
        result.pixels = pixels
        return result


class Pyramid(ctypes.Structure):
    """What the features of a pixel are computed from; see `features.cpp`."""

    _fields_ = (
        ("x1", Map),
        ("image", PaddedImage),
        ("first", Weights),
        ("second", Weights),
        ("level", Weights),
        ("levels", Map * 3),
    )


def _signatures() -> dict[str, tuple[type, ...]]:
    a_map, a_matrix = ctypes.POINTER(Map), ctypes.POINTER(Weights)
    a_packed = ctypes.POINTER(Weights16)
    memory, whole = ctypes.c_void_p, ctypes.c_int
    return {
        "load_image": (ctypes.POINTER(PaddedImage), whole, a_map),
        "convolve": (a_map, a_map, a_matrix, whole, a_map),
        "convolve_deformable": (a_map, a_map, ctypes.c_float, a_map, a_matrix, a_map),
        "project": (a_map, a_matrix, whole, a_map),
        "average_pool": (a_map, whole, a_map),
        "multiply": (memory, whole, a_matrix, whole, memory),
        "score": (a_map, ctypes.POINTER(ScoreHead), whole, whole, whole, whole, memory),
        "suppress_non_maxima": (memory, whole, whole, memory),
        "list_peaks": (memory, whole, ctypes.c_float, memory, memory),
        "refine_peaks": (memory, whole, whole, memory, whole, memory, memory, memory),
        "nearest_neighbours": (memory, whole, a_matrix, memory, memory, memory),
        "read_patches": (ctypes.POINTER(Pyramid), memory, whole, memory),
        "read_samples": (
            ctypes.POINTER(Pyramid), memory, memory, whole, whole, ctypes.c_float, memory,
        ),
        "load_image16": (ctypes.POINTER(PaddedImage), whole, a_map),
        "convolve16": (a_map, a_map, a_packed, a_map),
        "project16": (a_map, a_matrix, a_map),
        "average_pool16": (a_map, whole, a_map),
        "average_pool32": (a_map, whole, a_map),
        "multiply16": (memory, whole, whole, a_packed, memory),
        "sum16": (memory, whole, whole, a_packed, memory),
        "score16": (a_map, ctypes.POINTER(ScoreHead), whole, whole, whole, whole, memory),
        "read_patches16": (ctypes.POINTER(Pyramid), memory, whole, memory),
        "read_samples16": (
            ctypes.POINTER(Pyramid), memory, memory, whole, whole, ctypes.c_float, memory,
        ),
    }  # fmt: skip


def _untouched_zeros(count: int, dtype: torch.dtype) -> Tensor:
    """Return zeros (count,) that take memory where they are written, by whoever writes first.

    In pages of 2 MB where the system has them: thousands of small ones would cost the first image
    more than its arithmetic.
    """
    # Private: a forked process computes in memory of its own.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    memory = mmap.mmap(-1, dtype.itemsize * count, flags=flags)
    with suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=dtype, count=count)


@cache
def load_kernels() -> ctypes.CDLL | None:
    """Return the kernels built for this processor, or None where there are none."""
    library = load_library()
    return None if library is None else _with_types(library)


def open_kernels(build: str) -> ctypes.CDLL:
    """Load a build of the kernels; see `open_library`.

    Raises:
        OSError: if there is none.
    """
    return _with_types(open_library(build))


def _with_types(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, types in _signatures().items():
        function = getattr(library, f"aliked_{name}")
        function.argtypes, function.restype = types, ctypes.c_int
        if name != "list_peaks":  # which returns a number
            function.errcheck = _check
    return library


def _check(result: int, function: Any, arguments: tuple[Any, ...]) -> int:
    if result:
        raise MemoryError(f"{function.__name__} finds too little memory: use smaller images")
    return result


def kernel_nearest_neighbours(
    kernels: ctypes.CDLL, descriptors0: Tensor, descriptors1: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return similarity (N,), neighbours 1 of 0 (N,) and neighbours 0 of 1 (M,); see matching.py.

    Args:
        kernels: the result of `load_kernels()`.
        descriptors0: (N, D) float32 on the CPU.
        descriptors1: (M, D) float32 on the CPU.
    """
    with one_torch_thread() as num_threads:
        rows = descriptors0.detach().contiguous()
        columns = Weights.pack(descriptors1.detach(), block=32, fill_bias=float("-inf"))
        similarity = torch.empty(len(rows))
        nearest1 = torch.empty(len(rows), dtype=torch.int32)
        nearest0 = torch.empty(columns.outputs, dtype=torch.int32)
        kernels.aliked_use_threads(num_threads)
        kernels.aliked_nearest_neighbours(
            rows.data_ptr(), len(rows), columns,
            nearest1.data_ptr(), similarity.data_ptr(), nearest0.data_ptr(),
        )  # fmt: skip
        return similarity, nearest1.long(), nearest0[: len(descriptors1)]
