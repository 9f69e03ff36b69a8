"""A layer of LightGlue on a CPU, compiled: no matrix of attention's weights is stored."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from aliked_ros.network.packed_linear import Matrix, PackedLinear, call_kernel


class UpdateWeights(NamedTuple):
    """Of x + shrink(gelu(norm(expand(x, message)))).

    Attributes:
        expand: (2 width, 2 width).
        shrink: (width, 2 width).
        norm_weight: (2 width,).
        norm_bias: (2 width,).
    """

    expand: PackedLinear
    shrink: PackedLinear
    norm_weight: Tensor
    norm_bias: Tensor


class _Update(ctypes.Structure):
    _fields_ = (
        ("expand", Matrix),
        ("shrink", Matrix),
        ("norm_weight", ctypes.c_void_p),
        ("norm_bias", ctypes.c_void_p),
    )


class _Layer(ctypes.Structure):
    _fields_ = (
        ("to_qkv", Matrix),
        ("own", _Update),
        ("to_qk_v", Matrix),
        ("other", _Update),
        ("width", ctypes.c_int32),
        ("heads", ctypes.c_int32),
    )


class _Points(ctypes.Structure):
    _fields_ = (
        ("x", ctypes.c_void_p),
        ("cos", ctypes.c_void_p),
        ("sin", ctypes.c_void_p),
        ("sizes", ctypes.c_void_p),
        ("num_images", ctypes.c_int32),
        ("out", ctypes.c_void_p),
    )


class CompiledLayer:
    """Does what `lightglue_layers.Layer` does.

    Args:
        to_qkv: queries, keys and values of the points of an image.
        own: what follows the attention to their own image.
        to_qk_v: what is query and key, and values, for the other image.
        other: what follows the attention to it.
        num_heads: of both attentions, each a multiple of 32 numbers wide.
        precision: of the products, as the linear layers'.
    """

    def __init__(
        self,
        to_qkv: PackedLinear,
        own: UpdateWeights,
        to_qk_v: PackedLinear,
        other: UpdateWeights,
        num_heads: int,
        precision: str,
    ) -> None:
        self._width = to_qkv.weight.shape[1]
        self._is_bfloat16 = int(precision == "bfloat16")
        self._memory = (to_qkv, own, to_qk_v, other)
        self._layer = _Layer(
            to_qkv.packed, _pointers(own), to_qk_v.packed, _pointers(other), self._width, num_heads
        )

    def __call__(self, x: Tensor, cos: Tensor, sin: Tensor, sizes: Sequence[int]) -> Tensor:
        """Return the new state (N, width) of the points of all images.

        Args:
            x: (N, width) float32, the points of image 0, then of image 1, and so on.
            cos: (N, width / heads / 2), of the angles by which positions turn pairs of numbers.
            sin: the same shape.
            sizes: how many points each image has; none is 0.
        """
        x, cos, sin = x.contiguous(), cos.contiguous(), sin.contiguous()
        out = torch.empty_like(x)
        numbers = (ctypes.c_int32 * len(sizes))(*sizes)
        points = _Points(
            x.data_ptr(), cos.data_ptr(), sin.data_ptr(), ctypes.addressof(numbers), len(sizes),
            out.data_ptr(),
        )  # fmt: skip
        call_kernel(
            "glue_layer", ctypes.byref(self._layer), ctypes.byref(points), self._is_bfloat16
        )
        return out


def _pointers(update: UpdateWeights) -> _Update:
    return _Update(
        update.expand.packed, update.shrink.packed,
        update.norm_weight.data_ptr(), update.norm_bias.data_ptr(),
    )  # fmt: skip
