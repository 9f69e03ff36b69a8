"""Small random checkpoints of LightGlue, features to pair, and its specification line by line."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.network.lightglue_weights import expected_shapes
from aliked_ros.structs import Features

State = dict[str, Tensor]


def random_state(num_layers: int, seed: int = 0) -> State:
    """Return a checkpoint with which equal descriptors find each other.

    After each layer some points are sure and some have no partner, so that both are left out.
    """
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in expected_shapes(num_layers).items():
        value = 0.5 * torch.randn(shape, generator=generator) / shape[-1] ** 0.5
        if "ffn.1.weight" in name:
            value = value + 1
        elif "ffn.3" in name:
            value = 0.3 * value
        elif "posenc" in name or "input_proj.weight" in name:
            value = 8 * value
        elif "final_proj.weight" in name:
            value = value + 4 * torch.eye(shape[0])
        elif f"log_assignment.{num_layers - 1}.matchability" in name:
            value = value + ("bias" in name) * 3
        elif "matchability" in name or "token" in name:
            value = value + 2 if "bias" in name else 24 * value
        state[name] = value
    return state


def random_features(num: int, seed: int, dim: int = 128) -> Features:
    """Return features at random places of an image of 640 x 480 px."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.rand(num, 2, generator=generator) * torch.tensor([639.0, 479.0])
    descriptors = F.normalize(torch.randn(num, dim, generator=generator), dim=1)
    return Features(places, torch.zeros(num), torch.zeros(num), descriptors, (480, 640))


def shuffled(features: Features, seed: int = 0) -> tuple[Features, Tensor]:
    """Return the features in another order, and which of them stands at each place."""
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    return features.select(order), order


def specified(  # noqa: C901, PLR0915 - the specification on one page
    state: State, num_layers: int, features0: Features, features1: Features, *, adaptive: bool
) -> tuple[dict[tuple[int, int], float], int]:
    """Return {pair: score} and the layers computed, in float64, as the specification says it."""
    state = {name: value.double() for name, value in state.items()}

    def linear(name: str, x: Tensor) -> Tensor:
        return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def ffn(block: str, x: Tensor, message: Tensor) -> Tensor:
        hidden = linear(f"{block}.ffn.0", torch.cat([x, message], dim=1))
        mean, variance = hidden.mean(1, keepdim=True), hidden.var(1, unbiased=False, keepdim=True)
        hidden = (hidden - mean) / (variance + 1e-5).sqrt()
        hidden = hidden * state[f"{block}.ffn.1.weight"] + state[f"{block}.ffn.1.bias"]
        return x + linear(f"{block}.ffn.3", hidden * (1 + torch.erf(hidden / 2**0.5)) / 2)

    def turned(x: Tensor, angle: Tensor) -> Tensor:  # (N, 4, 64) by (N, 32)
        u, v = x[:, :, 0::2], x[:, :, 1::2]
        cos, sin = angle.cos()[:, None], angle.sin()[:, None]
        return torch.stack([u * cos - v * sin, v * cos + u * sin], dim=3).flatten(2)

    def own(n: int, x: Tensor, angle: Tensor) -> Tensor:
        block = f"transformers.{n}.self_attn"
        q, k, v = linear(f"{block}.Wqkv", x).view(-1, 4, 64, 3).unbind(3)
        s = torch.einsum("ihc,jhc->hij", turned(q, angle), turned(k, angle)) / 8
        message = torch.einsum("hij,jhc->ihc", s.softmax(2), v).flatten(1)
        return ffn(block, x, linear(f"{block}.out_proj", message))

    def cross(n: int, x: list[Tensor]) -> list[Tensor]:
        block = f"transformers.{n}.cross_attn"
        qk = [linear(f"{block}.to_qk", one).view(-1, 4, 64) for one in x]
        v = [linear(f"{block}.to_v", one).view(-1, 4, 64) for one in x]
        s = torch.einsum("ihc,jhc->hij", qk[0], qk[1]) / 8
        messages = [
            torch.einsum("hij,jhc->ihc", s.softmax(2), v[1]),
            torch.einsum("hij,ihc->jhc", s.softmax(1), v[0]),
        ]
        return [
            ffn(block, one, linear(f"{block}.to_out", message.flatten(1)))
            for one, message in zip(x, messages, strict=True)
        ]

    x, angles, index = [], [], []
    for features in (features0, features1):
        size = torch.tensor(features.image_size[::-1]).double()
        positions = (features.keypoints.double() - size / 2) / (size.max() / 2)
        angles.append(positions @ state["posenc.Wr.weight"].T)
        x.append(linear("input_proj", features.descriptors.double()))
        index.append(torch.arange(len(features)))
    total = len(features0) + len(features1)
    for n in range(num_layers):
        x = cross(n, [own(n, *one) for one in zip(x, angles, strict=True)])
        if n == num_layers - 1 or not adaptive:
            continue
        confidence = [linear(f"token_confidence.{n}.token.0", one)[:, 0].sigmoid() for one in x]
        threshold = 0.8 + 0.1 * math.exp(-4 * n / num_layers)
        if 1 - sum(int((c < threshold).sum()) for c in confidence) / total > 0.95:
            break
        for i in (0, 1):
            z = linear(f"log_assignment.{n}.matchability", x[i])[:, 0]
            kept = (z.sigmoid() > 0.01) | (confidence[i] <= threshold)
            x[i], angles[i], index[i] = x[i][kept], angles[i][kept], index[i][kept]
    f = [linear(f"log_assignment.{n}.final_proj", one) / 256**0.25 for one in x]
    z = [F.logsigmoid(linear(f"log_assignment.{n}.matchability", one)[:, 0]) for one in x]
    s = f[0] @ f[1].T
    log_score = s.log_softmax(1) + s.log_softmax(0) + z[0][:, None] + z[1][None]
    pairs = {}
    for i, row in enumerate(log_score):
        j = int(row.argmax())
        if int(log_score[:, j].argmax()) == i and row[j].exp() > 0.1:
            pairs[int(index[0][i]), int(index[1][j])] = float(row[j].exp())
    return pairs, n + 1
