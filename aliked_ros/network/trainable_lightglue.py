"""LightGlue with gradients, as it is trained: padded batches, every step of it a module.

Its parameters carry the names of the released file, so that `LightGlue` reads what is trained.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.network.attention import HEAD

_TEMPERATURE = 0.05  # of the first softmax over the descriptors' similarities
_NOTHING = -1e4  # similarity of filling, whose exponential is 0
_SMALL = 0.1  # what a layer adds at first, as part of what torch would begin with


class Readout(NamedTuple):
    """What is read off the states behind a layer; B pairs of N and M points.

    Attributes:
        similarity: (B, N, M).
        matchability0: (B, N) logits of having a partner.
        matchability1: (B, M).
        confidence0: (B, N) logits that further layers change nothing; of the last layer None.
        confidence1: (B, M).
    """

    similarity: Tensor
    matchability0: Tensor
    matchability1: Tensor
    confidence0: Tensor | None
    confidence1: Tensor | None


class TrainableLightGlue(nn.Module):
    """Descriptors and positions of two images in, similarities of their points out.

    It begins as a softmax over the descriptors' similarities, to which layers add little. Under
    autocast attention and its networks alone are in less than single precision.

    Args:
        length: numbers of a descriptor.
        width: numbers of a point's state, a multiple of 64.
        num_layers: at least 1.
    """

    def __init__(self, length: int, width: int, num_layers: int) -> None:
        super().__init__()
        self.length = length
        self.posenc = _Positions()
        self.input_proj = nn.Linear(length, width)
        self.transformers = nn.ModuleList(_Layer(width) for _ in range(num_layers))
        self.log_assignment = nn.ModuleList(_Assignment(width) for _ in range(num_layers))
        self.token_confidence = nn.ModuleList(_Confidence(width) for _ in range(num_layers - 1))
        nn.init.orthogonal_(self.input_proj.weight, gain=width**0.5)
        nn.init.zeros_(self.input_proj.bias)

    def forward(self, positions: Tensor, descriptors: Tensor, is_point: Tensor) -> list[Readout]:
        """Return what is read off behind each layer.

        Args:
            positions: (2 B, N, 2) from the image's centre, in halves of its longer side; image 0 of
                every pair, then image 1.
            descriptors: (2 B, N, D) unit rows.
            is_point: (2 B, N) bool, False where a row is filling; every image has a point.
        """
        mask = None if bool(is_point.all()) else is_point[:, None, None, :]
        with _exact(positions):
            code = self.posenc(positions)
            x = self.input_proj(descriptors)
        readouts = []
        for number, layer in enumerate(self.transformers):
            x = layer(x, code, mask)
            with _exact(x):
                readouts.append(self._read(x, number, is_point))
        return readouts

    def _read(self, x: Tensor, number: int, is_point: Tensor) -> Readout:
        head = self.log_assignment[number]
        similarity, matchability = head(x)
        mask0, mask1 = is_point.chunk(2)
        is_pair = mask0[:, :, None] & mask1[:, None, :]
        # Filling takes no part in any softmax; of nothing but -inf none has a gradient.
        similarity = similarity.masked_fill(~is_pair, _NOTHING)
        confidence: tuple[Tensor | None, Tensor | None] = (None, None)
        if number < len(self.token_confidence):
            # How sure a point is must not decide what it is sure of.
            first, second = self.token_confidence[number](x.detach()).chunk(2)
            confidence = first, second
        matchability0, matchability1 = matchability.chunk(2)
        return Readout(similarity, matchability0, matchability1, *confidence)


class _Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.Wr = nn.Linear(2, HEAD // 2, bias=False)
        nn.init.normal_(self.Wr.weight)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        angles = self.Wr(positions).unsqueeze(1)  # (2 B, 1, N, 32)
        return angles.cos(), angles.sin()


class _Layer(nn.Module):
    """Points attend to their own image, then to the other one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.self_attn = _SelfAttention(width)
        self.cross_attn = _CrossAttention(width)

    def forward(self, x: Tensor, code: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        return self.cross_attn(self.self_attn(x, code, mask), mask)


class _SelfAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.Wqkv = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        self.ffn = _feed_forward(width)

    def forward(self, x: Tensor, code: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        qkv = self.Wqkv(x)
        qkv = qkv.view(*qkv.shape[:2], -1, HEAD, 3).transpose(1, 2)  # (2 B, heads, N, 64, 3)
        q, k, v = qkv.unbind(-1)
        q, k, v = _turn(q, code), _turn(k, code), v.contiguous()  # fast attention takes no steps
        message = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        message = self.out_proj(message.transpose(1, 2).flatten(2))
        return x + self.ffn(torch.cat((x, message), dim=-1))


class _CrossAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_qk = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.Linear(width, width)
        self.ffn = _feed_forward(width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        qk, v = (
            projection(x).view(*x.shape[:2], -1, HEAD).transpose(1, 2)
            for projection in (self.to_qk, self.to_v)
        )  # (2 B, heads, N, 64)
        other_mask = None if mask is None else _swapped(mask)
        message = F.scaled_dot_product_attention(
            qk, _swapped(qk), _swapped(v), attn_mask=other_mask
        )
        message = self.to_out(message.transpose(1, 2).flatten(2))
        return x + self.ffn(torch.cat((x, message), dim=-1))


class _Assignment(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.final_proj = nn.Linear(width, width)
        self.matchability = nn.Linear(width, 1)
        # cos / temperature, of states of squared length `width`
        gain = (_TEMPERATURE * width**0.5) ** -0.5
        with torch.no_grad():
            self.final_proj.weight.copy_(gain * torch.eye(width))
            self.matchability.weight.mul_(_SMALL)
        nn.init.zeros_(self.final_proj.bias)
        nn.init.zeros_(self.matchability.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        f0, f1 = (self.final_proj(x) / x.shape[-1] ** 0.25).chunk(2)
        return f0 @ f1.transpose(1, 2), self.matchability(x).squeeze(-1)


class _Confidence(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.token = nn.Sequential(nn.Linear(width, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.token(x).squeeze(-1)


def _feed_forward(width: int) -> nn.Sequential:
    shrink = nn.Linear(2 * width, width)
    with torch.no_grad():
        shrink.weight.mul_(_SMALL)
    nn.init.zeros_(shrink.bias)
    expand = nn.Linear(2 * width, 2 * width)
    return nn.Sequential(expand, nn.LayerNorm(2 * width), nn.GELU(), shrink)


def _exact(x: Tensor) -> torch.autocast:
    """Return a context in which everything is computed in single precision."""
    return torch.autocast(x.device.type, enabled=False)


def _turn(x: Tensor, code: tuple[Tensor, Tensor]) -> Tensor:
    """Turn neighbouring numbers of (2 B, heads, N, 64) by the angles of (2 B, 1, N, 32)."""
    cos, sin = (part.to(x.dtype) for part in code)
    u, v = x[..., 0::2], x[..., 1::2]
    return torch.stack((u * cos - v * sin, v * cos + u * sin), dim=-1).flatten(-2)


def _swapped(x: Tensor) -> Tensor:
    """Return (2 B, ...) with image 1 of every pair first."""
    return torch.cat(x.chunk(2)[::-1])
