"""Launches the kernels that take keypoints to descriptors."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.cuda.kernels.aggregation import aggregate, normalise
from aliked_ros.inference.cuda.kernels.description import (
    predict_offsets,
    read_patches,
    read_samples,
)
from aliked_ros.inference.cuda.launching import launch
from aliked_ros.inference.cuda.tuning import Tuning, blocks
from aliked_ros.inference.cuda.weights import pack_description, padded
from aliked_ros.inference.stages import Geometry, Outputs
from aliked_ros.network.aliked import ALIKED


class Describer:
    """The descriptor head.

    Args:
        network: the result of `ALIKED.fuse()`, on the device.
        tuning: how the launches are cut.
        map_parts: of the numbers in the first block's output.
    """

    def __init__(self, network: ALIKED, tuning: Tuning, map_parts: int) -> None:
        self._dim = network.dim
        self._num_samples = network.desc_head.num_samples
        self._weights = pack_description(network, map_parts)
        self._tuning = tuning

    def __call__(
        self, x1: Tensor, levels: tuple[Tensor, ...], geometry: Geometry, outputs: Outputs
    ) -> None:
        """See `Stages.describe`."""
        batch, capacity = outputs.scores.shape
        dim, samples, weights = self._dim, self._num_samples, self._weights
        patches = self._rows(x1, batch, capacity * 9)
        self._read("patches", x1, levels, geometry, outputs, 9, (patches,), {})
        offsets = torch.empty((batch, capacity, 2 * samples), device=x1.device)
        choice = self._tuning["offsets"]
        launch(
            "offsets", predict_offsets, (blocks(capacity, choice["block"]), batch), choice,
            patches, outputs.num_found, weights.weights1, weights.bias1, weights.weights2,
            weights.bias2, offsets, capacity, max(geometry.height, geometry.width) / 4,
            dim=dim, outputs=2 * samples,
        )  # fmt: skip
        features = self._rows(x1, batch, capacity * samples)
        self._read("samples", x1, levels, geometry, outputs, samples,
                   (offsets, weights.samples, features), {"num_samples": samples})  # fmt: skip
        self._aggregate(features, outputs)

    def _rows(self, like: Tensor, batch: int, num: int) -> Tensor:
        """Return memory for features in parts."""
        shape = (batch, num, 2, self._dim)
        return torch.empty(shape, dtype=torch.float16, device=like.device)

    def _read(
        self, name: str, x1: Tensor, levels: tuple[Tensor, ...], geometry: Geometry,
        outputs: Outputs, rows: int, others: tuple[Tensor, ...], settings: dict[str, int],
    ) -> None:  # fmt: skip
        """Launch one of the two kernels that read features, with some rows for each keypoint."""
        batch, capacity = outputs.scores.shape
        kernel = {"patches": read_patches, "samples": read_samples}[name]
        choice, length = self._tuning[name], x1.shape[3] * x1.shape[4]
        launch(
            name, kernel, (blocks(capacity * rows, choice["block"]), batch), choice,
            x1, self._weights.level, *levels, outputs.keypoints, outputs.num_found, *others,
            capacity, outputs.keypoints.stride(0), geometry.top, geometry.left, geometry.height,
            geometry.width, geometry.padded_height, geometry.padded_width,
            first_length=length, padded=padded(length), channels=self._dim // 4, **settings,
        )  # fmt: skip

    def _aggregate(self, features: Tensor, outputs: Outputs) -> None:
        """Launch the product of all samples of a keypoint with the weights."""
        batch, capacity = outputs.scores.shape
        choice = dict(self._tuning["aggregate"])
        terms = self._num_samples * self._dim
        num_parts = choice["num_parts"]
        parts = torch.empty((num_parts, batch, capacity, self._dim), device=features.device)
        launch(
            "aggregate", aggregate, (blocks(capacity, choice["block"]), batch, num_parts), choice,
            features, outputs.num_found, self._weights.aggregation, parts, capacity,
            dim=self._dim, terms=terms,
        )  # fmt: skip
        choice = self._tuning["normalise"]
        launch(
            "normalise", normalise, (blocks(capacity, choice["block"]), batch), choice,
            parts, outputs.num_found, outputs.descriptors, capacity,
            outputs.descriptors.stride(0), dim=self._dim, num_parts=num_parts,
        )  # fmt: skip
