"""Attention of several heads, compiled on a CPU, else torch's; no matrix of weights is stored."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.native import load_library

HEAD = 64  # numbers of a head
_BLOCK = 32  # points that the kernel takes at once


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return what the points of one image receive from those of an image.

    Args:
        queries: (N, heads * 64) float32.
        keys: (M, heads * 64), M > 0.
        values: (M, heads * 64).

    Returns:
        (N, heads * 64): for each head softmax(queries keys^T / 8) values.
    """
    is_plain = queries.device.type == "cpu" and queries.dtype == torch.float32
    if is_plain and not torch.compiler.is_compiling():  # ONNX has standard operators only
        library = load_library()
        if library is not None:
            return _attend_by_kernel(library, queries, keys, values)
    heads = queries.shape[1] // HEAD
    q, k, v = (x.view(1, -1, heads, HEAD).transpose(1, 2) for x in (queries, keys, values))
    return F.scaled_dot_product_attention(q, k, v)[0].transpose(0, 1).flatten(1)


def _attend_by_kernel(
    library: ctypes.CDLL, queries: Tensor, keys: Tensor, values: Tensor
) -> Tensor:
    num, width = queries.shape
    heads = width // HEAD
    fill = -len(keys) % _BLOCK
    points = len(keys) + fill
    queries = queries if queries.stride(1) == 1 else queries.contiguous()
    blocks = F.pad(keys * HEAD**-0.5, (0, 0, 0, fill)).view(-1, _BLOCK, heads, HEAD)
    packed_keys = blocks.permute(2, 0, 3, 1).contiguous()
    halves = F.pad(values, (0, 0, 0, fill)).view(points, heads, HEAD // _BLOCK, _BLOCK)
    packed_values = halves.permute(1, 2, 0, 3).contiguous()
    bias = torch.zeros(points)
    bias[len(keys) :] = -torch.inf
    received = torch.empty(num, width)
    library.aliked_attend(
        ctypes.c_void_p(queries.data_ptr()), queries.stride(0), num,
        ctypes.c_void_p(packed_keys.data_ptr()), ctypes.c_void_p(packed_values.data_ptr()),
        ctypes.c_void_p(bias.data_ptr()), points, heads, ctypes.c_void_p(received.data_ptr()),
    )  # fmt: skip
    return received
