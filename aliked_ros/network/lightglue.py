"""LightGlue: keypoints and descriptors of two images -> partners, as specified by its authors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.network.lightglue_assignment import Assignment, assign, choose
from aliked_ros.network.lightglue_layers import Layer, RotaryCode, State, positions_of
from aliked_ros.network.packed_linear import PackedLinear
from aliked_ros.structs import Features

_SURE_SHARE = 0.95  # of the points: with more no further layer is computed
_MIN_MATCHABILITY = 0.01  # a point that is sure of having less is left out of further layers


@dataclass(frozen=True, eq=False)
class _Points:
    """The points of all images that are still at work.

    Attributes:
        x: (N, width), their states.
        code: of their positions.
        index: (N,) which keypoint of its image each is.
        sizes: points of each image, in the order of the rows.
        pairs: number of each pair of images.
        initial: points that each pair had at first.
    """

    x: Tensor
    code: RotaryCode
    index: Tensor
    sizes: list[int]
    pairs: list[int]
    initial: list[int]

    def keep(self, kept: Tensor, is_done: Sequence[bool]) -> _Points:
        """Return the points of `kept` (N,) that belong to pairs that are not done."""
        places = [place for place, done in enumerate(is_done) if not done]
        parts = list(torch.split(kept, self.sizes))
        for place, done in enumerate(is_done):
            if done:
                parts[2 * place : 2 * place + 2] = map(
                    torch.zeros_like, parts[2 * place : 2 * place + 2]
                )
        counts: list[int] = torch.stack([part.sum() for part in parts]).tolist()
        chosen = torch.cat(parts).nonzero().squeeze(1)
        return _Points(
            self.x[chosen],
            self.code.select(chosen),
            self.index[chosen],
            [counts[2 * place + image] for place in places for image in (0, 1)],
            [self.pairs[place] for place in places],
            [self.initial[place] for place in places],
        )


class LightGlue:
    """A network that pairs keypoints by what surrounds them in both images.

    Args:
        state: a checkpoint's tensors, checked, float32, all on one device.
        num_layers: of the checkpoint.
        precision: of the products in the layers; "bfloat16" on a CPU that has it.

    Attributes:
        device: where it computes.
        length: D, numbers of the descriptors that it takes.
    """

    def __init__(self, state: State, num_layers: int, precision: str = "float32") -> None:
        self.device = state["posenc.Wr.weight"].device
        self.length = state["input_proj.weight"].shape[1]
        self._input = PackedLinear(state["input_proj.weight"], state["input_proj.bias"])
        self._frequencies = state["posenc.Wr.weight"]
        self._layers = [Layer(state, number, precision) for number in range(num_layers)]
        self._heads = [_Head(state, number) for number in range(num_layers)]

    def __call__(
        self, pairs: Sequence[tuple[Features, Features]], *, adaptive: bool
    ) -> list[Assignment]:
        """Find the partners in pairs of images.

        Args:
            pairs: features with descriptors (N, D), on the network's device.
            adaptive: stop when nearly all points of a pair are sure of their partner, and leave out
                those that surely have none; False: compute all layers with all points.

        Returns:
            The assignment of each pair; none if one of its images has no keypoints.
        """
        found = [Assignment.empty(self.device) for _ in pairs]
        points = self._begin(pairs)
        for number, layer in enumerate(self._layers):
            if not points.pairs:
                break
            points = _advanced(points, layer)
            if number == len(self._layers) - 1:
                self._finish(points, [True] * len(points.pairs), number, found)
            elif adaptive:
                points = self._adapt(points, number, found)
        return found

    def choose(
        self, positions0: Tensor, descriptors0: Tensor, positions1: Tensor, descriptors1: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Choose partners by all layers, in shapes that depend on the numbers of points alone.

        Args:
            positions0: (N, 2), from the image's centre, in halves of its longer side.
            descriptors0: (N, D).
            positions1: (M, 2).
            descriptors1: (M, D).

        Returns:
            As `lightglue_assignment.choose` does.
        """
        sizes = [positions0.shape[0], positions1.shape[0]]
        code = RotaryCode.of(torch.cat((positions0, positions1)), self._frequencies)
        x = self._input(torch.cat((descriptors0, descriptors1)))
        for layer in self._layers:
            x = layer(x, code, sizes)
        x0, x1 = torch.split(x, sizes)
        head = self._heads[-1]
        return choose(head.final(x0), head.final(x1), head.matchability(x0), head.matchability(x1))

    def _begin(self, pairs: Sequence[tuple[Features, Features]]) -> _Points:
        numbers = [number for number, pair in enumerate(pairs) if all(map(len, pair))]
        images = [features for number in numbers for features in pairs[number]]
        sizes = [len(features) for features in images]
        if not images:
            nothing = torch.empty((0, 2), device=self.device)
            code = RotaryCode.of(nothing, self._frequencies)
            return _Points(nothing, code, nothing[:, 0].long(), [], [], [])
        descriptors = torch.cat([features.descriptors.float() for features in images])
        positions = torch.cat([_positions(features) for features in images])
        index = torch.cat([torch.arange(size, device=self.device) for size in sizes])
        initial = [sizes[2 * place] + sizes[2 * place + 1] for place in range(len(numbers))]
        code = RotaryCode.of(positions, self._frequencies)
        return _Points(self._input(descriptors), code, index, sizes, numbers, initial)

    def _adapt(self, points: _Points, number: int, found: list[Assignment]) -> _Points:
        """Finish the pairs that are sure after a layer, and leave out points without partner."""
        head = self._heads[number]
        threshold = 0.8 + 0.1 * exp(-4 * number / len(self._layers))
        confidence = head.confidence(points.x)
        unsure: list[int] = torch.stack(
            [part.sum() for part in torch.split(confidence < threshold, _sums(points.sizes))]
        ).tolist()
        # Points that were left out count as sure: of them the answer is known.
        counts = zip(unsure, points.initial, strict=True)
        is_done = [1 - few / initial > _SURE_SHARE for few, initial in counts]
        self._finish(points, is_done, number, found)
        kept = (head.matchability(points.x).sigmoid() > _MIN_MATCHABILITY) | (
            confidence <= threshold
        )
        points = points.keep(kept, is_done)
        sizes = points.sizes
        is_empty = [0 in sizes[2 * place : 2 * place + 2] for place in range(len(points.pairs))]
        if not any(is_empty):
            return points
        for pair, empty in zip(points.pairs, is_empty, strict=True):
            if empty:
                found[pair] = Assignment.empty(self.device, number + 1)
        return points.keep(torch.ones_like(points.index, dtype=torch.bool), is_empty)

    def _finish(
        self, points: _Points, is_done: list[bool], number: int, found: list[Assignment]
    ) -> None:
        """Note the partners in the pairs that are done after a layer."""
        head = self._heads[number]
        states, indices = (torch.split(part, points.sizes) for part in (points.x, points.index))
        for place, (pair, done) in enumerate(zip(points.pairs, is_done, strict=True)):
            if not done:
                continue
            (x0, x1), (index0, index1) = (part[2 * place : 2 * place + 2]
                                          for part in (states, indices))  # fmt: skip
            pairs, scores = assign(
                head.final(x0), head.final(x1), head.matchability(x0), head.matchability(x1)
            )
            original = torch.stack((index0[pairs[:, 0]], index1[pairs[:, 1]]), dim=1)
            found[pair] = Assignment(original, scores, number + 1)


class _Head:
    """What is read off the states behind a layer."""

    def __init__(self, state: State, number: int) -> None:
        name = f"log_assignment.{number}"
        weight, bias = (state[f"{name}.final_proj.{part}"] for part in ("weight", "bias"))
        scale = len(bias) ** -0.25
        self.final = PackedLinear(weight * scale, bias * scale)
        self._matchability = (
            state[f"{name}.matchability.weight"], state[f"{name}.matchability.bias"]
        )  # fmt: skip
        token = f"token_confidence.{number}.token.0"
        self._confidence = state.get(f"{token}.weight"), state.get(f"{token}.bias")

    def matchability(self, x: Tensor) -> Tensor:
        """Return the logits (N,) of having a partner."""
        return F.linear(x, *self._matchability).squeeze(1)

    def confidence(self, x: Tensor) -> Tensor:
        """Return the probability (N,) that further layers change nothing; not of the last one."""
        weight, bias = self._confidence
        assert weight is not None
        return F.linear(x, weight, bias).squeeze(1).sigmoid()


def _advanced(points: _Points, layer: Layer) -> _Points:
    x = layer(points.x, points.code, points.sizes)
    return _Points(x, points.code, points.index, points.sizes, points.pairs, points.initial)


def _positions(features: Features) -> Tensor:
    """Return the keypoints (N, 2) from the centre, in halves of the longer side."""
    height, width = features.image_size
    size = features.keypoints.new_tensor((width, height), dtype=torch.float32)
    return positions_of(features.keypoints.float(), size)


def _sums(sizes: list[int]) -> list[int]:
    """Return the points of each pair."""
    return [first + second for first, second in zip(sizes[::2], sizes[1::2], strict=True)]
