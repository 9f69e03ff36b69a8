"""One layer of LightGlue: points attend to their own image, then to the other one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.network.attention import HEAD, attend
from aliked_ros.network.compiled_layer import CompiledLayer, UpdateWeights
from aliked_ros.network.packed_linear import PackedLinear

_TURNED = HEAD // 2  # pairs of numbers of a head that the rotary code turns

State = Mapping[str, Tensor]
Sizes = list[int]  # points of each image, in the order of the rows; images 2k and 2k + 1 pair


@dataclass(frozen=True, eq=False)
class RotaryCode:
    """What positions do to queries and keys: they turn pairs of their numbers.

    Attributes:
        cos: (N, 32), of the angle of each pair.
        sin: (N, 32).
    """

    cos: Tensor
    sin: Tensor

    @classmethod
    def of(cls, positions: Tensor, frequencies: Tensor) -> RotaryCode:
        """Return the code of positions (N, 2), by frequencies (32, 2)."""
        angles = positions @ frequencies.T
        return cls(angles.cos(), angles.sin())

    def select(self, kept: Tensor) -> RotaryCode:
        """Return the code of some points: (N,) bool or (M,) positions."""
        return RotaryCode(self.cos[kept], self.sin[kept])

    def turn(self, x: Tensor) -> Tensor:
        """Turn (N, heads, 2, 32): the first and the second numbers of the pairs of each head."""
        u, v = x.unbind(dim=2)
        cos, sin = self.cos.unsqueeze(1), self.sin.unsqueeze(1)
        return torch.stack((u * cos - v * sin, v * cos + u * sin), dim=2)


def positions_of(keypoints: Tensor, size: Tensor) -> Tensor:
    """Return keypoints (N, 2), px, as positions, by the size (2,) float32: width and height, px."""
    return (keypoints - size / 2) / (size.max() / 2)


class Layer:
    """Self attention and cross attention, each with its feed-forward network.

    Two linear layers in a row are one: the projection behind the attention is folded into the
    feed-forward network's first layer. Queries, keys and values are reordered into blocks.

    Args:
        state: a checkpoint's tensors, float32.
        number: which layer.
        precision: of the products, "bfloat16" on a CPU that has it.
    """

    def __init__(self, state: State, number: int, precision: str = "float32") -> None:
        own, other = (f"transformers.{number}.{kind}" for kind in ("self_attn", "cross_attn"))
        weight, bias = state[f"{own}.Wqkv.weight"], state[f"{own}.Wqkv.bias"]
        self._width = weight.shape[1]
        order = _blocks_of_queries_keys_values(self._width).to(weight.device)
        self._to_qkv = PackedLinear(weight[order], bias[order], precision)
        self._self_update = _update_weights(state, own, "out_proj", precision)
        names = (f"{other}.to_qk", f"{other}.to_v")
        self._to_qk_v = PackedLinear(
            torch.cat([state[f"{name}.weight"] for name in names]),
            torch.cat([state[f"{name}.bias"] for name in names]),
            precision,
        )
        self._cross_update = _update_weights(state, other, "to_out", precision)
        self._compiled = None
        if self._to_qkv.packed is not None:
            parts = (self._to_qkv, self._self_update, self._to_qk_v, self._cross_update)
            self._compiled = CompiledLayer(*parts, self._width // HEAD, precision)

    def __call__(self, x: Tensor, code: RotaryCode, sizes: Sizes) -> Tensor:
        """Return the new state (N, width) of the points of all images.

        Args:
            x: (N, width), the points of image 0, then of image 1, and so on.
            code: of the positions of all points.
            sizes: how many points each image has; none is 0.
        """
        if self._compiled is not None and not torch.compiler.is_compiling():
            return self._compiled(x, code.cos, code.sin, sizes)
        x = _update(self._self_update, x, self._attend_to_own_image(x, code, sizes))
        return _update(self._cross_update, x, self._attend_to_other_image(x, sizes))

    def _attend_to_own_image(self, x: Tensor, code: RotaryCode, sizes: Sizes) -> Tensor:
        qkv, width = self._to_qkv(x), self._width
        turned = code.turn(qkv[:, : 2 * width].view(-1, 2 * (width // HEAD), 2, _TURNED))
        q, k = torch.split(turned.flatten(1), width, dim=1)
        images = zip(
            *(torch.split(part, sizes) for part in (q, k, qkv[:, 2 * width :])), strict=True
        )
        return torch.cat([attend(*image) for image in images])

    def _attend_to_other_image(self, x: Tensor, sizes: Sizes) -> Tensor:
        parts = torch.split(self._to_qk_v(x), self._width, dim=1)
        qk, v = (torch.split(part, sizes) for part in parts)
        return torch.cat([attend(qk[i], qk[i ^ 1], v[i ^ 1]) for i in range(len(sizes))])


def _update_weights(state: State, block: str, projection: str, precision: str) -> UpdateWeights:
    """Return what follows an attention, with the message's projection folded into it."""
    weight, bias = (state[f"{block}.ffn.0.{part}"].double() for part in ("weight", "bias"))
    projection_weight, projection_bias = (
        state[f"{block}.{projection}.{part}"].double() for part in ("weight", "bias")
    )
    of_x, of_message = torch.chunk(weight, 2, dim=1)
    expand = PackedLinear(
        torch.cat((of_x, of_message @ projection_weight), dim=1).float(),
        (bias + of_message @ projection_bias).float(),
        precision,
    )
    norm_weight, norm_bias = (state[f"{block}.ffn.1.{part}"] for part in ("weight", "bias"))
    last_weight, last_bias = (state[f"{block}.ffn.3.{part}"] for part in ("weight", "bias"))
    shrink = PackedLinear(last_weight, last_bias, precision)
    return UpdateWeights(expand, shrink, norm_weight, norm_bias)


def _update(weights: UpdateWeights, x: Tensor, message: Tensor) -> Tensor:
    """Return x + ffn(x, message)."""
    hidden = weights.expand(torch.cat((x, message), dim=1))
    hidden = F.layer_norm(hidden, hidden.shape[1:], weights.norm_weight, weights.norm_bias)
    return x + weights.shrink(F.gelu(hidden))


def _blocks_of_queries_keys_values(width: int) -> Tensor:
    """Return where the rows of Wqkv are, in our order: {q, k, v}, head, first or second, pair."""
    stored = torch.arange(3 * width).view(width // HEAD, _TURNED, 2, 3)
    q, k, v = stored.unbind(dim=3)
    return torch.cat([x.transpose(1, 2).flatten() for x in (q, k)] + [v.flatten()])
