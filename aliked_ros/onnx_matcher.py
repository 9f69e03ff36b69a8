"""LightGlue -> ONNX of standard operators, checked against torch with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from aliked_ros.extras import require
from aliked_ros.network.exportable_lightglue import ExportableLightGlue
from aliked_ros.network.lightglue import LightGlue
from aliked_ros.onnx_comparison import open_file
from aliked_ros.onnx_export import OPSETS, quiet_exporter, save
from aliked_ros.structs import Features

INPUTS = tuple(
    f"{name}{image}" for image in (0, 1) for name in ("keypoints", "descriptors", "image_size")
)
OUTPUTS = ("matches0", "scores0")
MAX_KEYPOINTS = 1 << 16
MIN_AGREEMENT = 0.999  # of the pairs; rounding may decide between two partners
SCORE_TOLERANCE = 5e-4
DEMAND = (
    f"at least {MIN_AGREEMENT:.1%} of the matches must agree, their scores within {SCORE_TOLERANCE}"
)

_TRACED = (37, 53)  # points of the two images; any numbers that differ
_IMAGE_SIZES = ((480, 640), (375, 501))


@dataclass(frozen=True)
class MatchDifferences:
    """How far the file's matches are from torch's, for one pair of images.

    Attributes:
        num_keypoints: of image 0 and of image 1.
        num_expected: pairs that torch finds.
        num_found: pairs that the file finds.
        agreement: pairs that both find, as part of those that either finds; 1 if there are none.
        score: greatest difference of a score among those that both find.
    """

    num_keypoints: tuple[int, int]
    num_expected: int
    num_found: int
    agreement: float
    score: float

    @property
    def are_tolerable(self) -> bool:
        """Whether the file computes what torch computes."""
        return self.agreement >= MIN_AGREEMENT and self.score <= SCORE_TOLERANCE

    def __str__(self) -> str:
        """Say it in one line."""
        num0, num1 = self.num_keypoints
        return (
            f"{num0} and {num1} keypoints: {self.num_found} matches, torch {self.num_expected}; "
            f"{self.agreement:.1%} agree; score within {self.score:.1e}"
        )


def write_matcher(
    network: LightGlue, path: Path, *, opset: int | None = None, weights_id: str = ""
) -> None:
    """Write LightGlue as ONNX: `ExportableLightGlue`, for any numbers of keypoints.

    Args:
        network: on the CPU.
        path: file to write; its folder exists.
        opset: version of the standard operators; None: the oldest that torch writes.
        weights_id: short name of the parameters, noted in the file.

    Raises:
        MissingPackageError: without onnx and onnxscript.
    """
    for package in ("onnx", "onnxscript"):
        require(package, extra="export", feature="writing ONNX")
    points = [torch.export.Dim(f"num_keypoints{n}", min=2, max=MAX_KEYPOINTS) for n in (0, 1)]
    with torch.no_grad(), quiet_exporter():
        program = torch.onnx.export(
            ExportableLightGlue(network).eval(),
            _inputs(paired_points(*_TRACED, network.length)),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            opset_version=opset or OPSETS["plain"],
            dynamic_shapes=tuple(s for n in (0, 1) for s in ({1: points[n]}, {1: points[n]}, None)),
            dynamo=True,
            verbose=False,
        )
    save(program, path, {"model": "lightglue", "weights": weights_id})


def compare_with_torch(
    path: Path, network: LightGlue, sizes: Sequence[tuple[int, int]]
) -> list[MatchDifferences]:
    """Run a file in ONNX Runtime and the network in torch on points made for the purpose.

    Args:
        path: a file of `write_matcher`.
        network: what was written into it.
        sizes: numbers of keypoints of the two images.

    Raises:
        MissingPackageError: without onnxruntime.
    """
    session = open_file(path)
    differences = []
    for size in sizes:
        pair = paired_points(*size, network.length)
        with torch.no_grad():
            expected = network([pair], adaptive=False)[0]
        given = (tensor.numpy() for tensor in _inputs(pair))
        partners, scores = session.run(list(OUTPUTS), dict(zip(INPUTS, given, strict=True)))
        pairs = zip(map(tuple, expected.indices.tolist()), expected.scores.tolist(), strict=True)
        found = {
            (index0, int(index1)): float(score)
            for index0, (index1, score) in enumerate(zip(partners[0], scores[0], strict=True))
            if index1 >= 0
        }
        differences.append(_compare(size, dict(pairs), found))
    return differences


def paired_points(num0: int, num1: int, length: int) -> tuple[Features, Features]:
    """Return features of two images that show the same points, as far as there are so many.

    Args:
        num0: keypoints of image 0.
        num1: keypoints of image 1.
        length: numbers of a descriptor.
    """
    generator = torch.Generator().manual_seed(0)
    num = max(num0, num1)
    places = torch.rand(num, 2, generator=generator)
    descriptors = torch.randn(num, length, generator=generator)
    images = []
    for size, chosen in zip(
        _IMAGE_SIZES,
        (torch.arange(num0), torch.randperm(num, generator=generator)[:num1]),
        strict=True,
    ):
        noise = 0.3 * torch.randn(descriptors.shape, generator=generator)
        keypoints = places[chosen] * torch.tensor([size[1] - 1.0, size[0] - 1.0])
        unit = F.normalize(descriptors + noise, dim=1)[chosen]
        filling = torch.zeros(len(chosen))
        images.append(Features(keypoints, filling, filling, unit, size))
    return images[0], images[1]


def _inputs(pair: tuple[Features, Features]) -> tuple[torch.Tensor, ...]:
    """Return what the graph takes of two images, in the order of INPUTS."""
    return tuple(
        tensor
        for features in pair
        for tensor in (
            features.keypoints.unsqueeze(0),
            features.descriptors.unsqueeze(0),
            torch.tensor(features.image_size),
        )
    )


def _compare(
    size: tuple[int, int],
    expected: dict[tuple[int, int], float],
    found: dict[tuple[int, int], float],
) -> MatchDifferences:
    both, either = expected.keys() & found.keys(), expected.keys() | found.keys()
    agreement = len(both) / len(either) if either else 1.0
    score = max((abs(expected[pair] - found[pair]) for pair in both), default=0.0)
    return MatchDifferences(size, len(expected), len(found), agreement, score)
