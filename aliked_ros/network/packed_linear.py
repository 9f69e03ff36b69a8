"""Linear layers of inference, on a CPU by compiled kernels, which read their weights in blocks."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.native import load_library

BLOCK = 32  # outputs that the kernels compute together
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Matrix(ctypes.Structure):
    """A packed matrix of `linear.hpp`; keeps its memory alive."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("inputs", ctypes.c_int32),
        ("outputs", ctypes.c_int32),
    )

    @classmethod
    def pack(cls, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Matrix:
        """Pack a matrix (outputs, inputs), whole blocks of both, and a bias (outputs,)."""
        outputs, inputs = weight.shape
        together = 4 // dtype.itemsize
        blocks = weight.to(dtype).view(-1, BLOCK, inputs // together, together)
        data, bias = blocks.transpose(1, 2).contiguous(), bias.contiguous()
        result = cls(data.data_ptr(), bias.data_ptr(), inputs, outputs)
        result.memory = (data, bias)
        return result


class PackedLinear:
    """x W^T + b, without gradients.

    Args:
        weight: (out, in) float32.
        bias: (out,) float32, on the same device.
        precision: "float32", or "bfloat16" where `inference.bfloat16` says that it can be had:
            products of rounded numbers, added up in float32.

    Attributes:
        weight: as given.
        bias: as given.
        packed: what the kernels read; None where they are absent or take no such matrix.
    """

    def __init__(self, weight: Tensor, bias: Tensor, precision: str = "float32") -> None:
        self.weight, self.bias = weight.contiguous(), bias.contiguous()
        self._is_bfloat16 = precision == "bfloat16"
        is_whole = all(size % BLOCK == 0 for size in weight.shape)
        self.packed = None
        if weight.device.type == "cpu" and is_whole and load_library() is not None:
            self.packed = Matrix.pack(self.weight, self.bias, DTYPES[precision])

    def __call__(self, x: Tensor) -> Tensor:
        """Return (N, out) of x (N, in)."""
        library = load_library()
        # ONNX has standard operators only.
        if self.packed is None or library is None or torch.compiler.is_compiling():
            return F.linear(x, self.weight, self.bias)
        x = x.contiguous()
        out = torch.empty(len(x), self.packed.outputs)
        call_kernel(
            "linear", ctypes.c_void_p(x.data_ptr()), len(x), ctypes.byref(self.packed),
            int(self._is_bfloat16), ctypes.c_void_p(out.data_ptr()),
        )  # fmt: skip
        return out


def call_kernel(name: str, *arguments: object) -> None:
    """Call a kernel of the library that is there, with arguments as ctypes takes them.

    Raises:
        MemoryError: if it finds too little memory.
    """
    if getattr(load_library(), f"aliked_{name}")(*arguments):
        raise MemoryError("LightGlue finds too little memory: use fewer keypoints")
