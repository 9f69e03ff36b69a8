"""A file of a network beside torch: ONNX Runtime's keypoints, scores and descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aliked_ros.extras import MissingPackageError, require
from aliked_ros.network.aliked import ALIKED
from aliked_ros.onnx_export import INPUT, OUTPUTS
from aliked_ros.structs import AnyArray

MIN_AGREEMENT = 0.99  # rounding may swap a few keypoints at the threshold and at rank K


@dataclass(frozen=True)
class Tolerances:
    """What a keypoint of a file may differ by from torch's: px, score, 1 - cosine similarity."""

    keypoint_px: float
    score: float
    cosine: float

    def __str__(self) -> str:
        """Say what is demanded of a file."""
        return (
            f"at least {MIN_AGREEMENT:.0%} of the keypoints must agree within {self.keypoint_px} "
            f"px, score {self.score} and 1 - cosine {self.cosine}"
        )


TOLERANCES = {"float32": Tolerances(0.01, 1e-4, 1e-4), "float16": Tolerances(0.1, 1e-2, 1e-3)}


@dataclass(frozen=True)
class Differences:
    """How far the file's outputs are from torch's, for one image.

    Attributes:
        image_size: (height, width), px.
        num_expected: keypoints that torch finds.
        num_found: keypoints that the file finds.
        agreement: share of torch's keypoints whose position, score and descriptor all are within
            the tolerances; 1 if both find none.
        keypoint_px: greatest distance among the 99 % nearest keypoints, px.
        score: greatest difference of a score among them.
        cosine: greatest 1 - cosine similarity of descriptors among them.
    """

    image_size: tuple[int, int]
    num_expected: int
    num_found: int
    agreement: float
    keypoint_px: float
    score: float
    cosine: float

    @property
    def are_tolerable(self) -> bool:
        """Whether the file computes what torch computes."""
        count_error = abs(self.num_found - self.num_expected)
        allowed = (1 - MIN_AGREEMENT) * self.num_expected
        return self.agreement >= MIN_AGREEMENT and count_error <= allowed

    def __str__(self) -> str:
        """Say it in one line."""
        height, width = self.image_size
        return (
            f"{width}x{height}: {self.num_found} keypoints, torch {self.num_expected}; "
            f"{self.agreement:.1%} agree; 99 % within {self.keypoint_px:.1e} px, "
            f"score {self.score:.1e}, 1 - cosine {self.cosine:.1e}"
        )


def compare_with_torch(
    path: Path, network: ALIKED, sizes: Sequence[tuple[int, int]]
) -> list[Differences]:
    """Run a file in ONNX Runtime and the network in torch on images made for the purpose.

    Args:
        path: a file of `write_onnx`.
        network: what was written into it.
        sizes: (height, width) of the images to compare on, px.

    Raises:
        MissingPackageError: without onnxruntime, or with one that lacks an operator of the file.
    """
    session = open_file(path)
    notes = session.get_modelmeta().custom_metadata_map
    max_keypoints = int(notes["max_keypoints"])
    threshold = float(notes["detection_threshold"])
    network = network.fuse()
    differences = []
    for size in sizes:
        image = blobs(*size)
        with torch.no_grad():
            detections, descriptors = network(image, max_keypoints, threshold)
        expected = (detections.keypoints, detections.scores, descriptors)
        *found, count = session.run(list(OUTPUTS), {INPUT: image.numpy()})
        differences.append(
            compare(
                size,
                [tensor[0].numpy() for tensor in expected],
                [array[0, : count[0]] for array in found],
                TOLERANCES[notes["precision"]],
            )
        )
    return differences


def open_file(path: Path) -> Any:
    """Return ONNX Runtime's session of a file, on the CPU.

    Raises:
        MissingPackageError: without onnxruntime, or with one that lacks an operator of the file.
    """
    require("onnxruntime", extra="export", feature="checking an ONNX file")
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented as error:
        raise MissingPackageError(
            f"onnxruntime {onnxruntime.__version__} lacks an operator of it ({error}); DeformConv "
            "came with 1.25, which needs CPython 3.11"
        ) from error


def blobs(height: int, width: int) -> Tensor:
    """Return an image (1, 3, height, width) float32 in [0, 1] of random blobs, full of corners."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, -(-height // 6), -(-width // 6), generator=generator)
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return fine.clamp(0, 1)


def compare(
    size: tuple[int, int],
    expected: list[AnyArray],
    found: list[AnyArray],
    tolerances: Tolerances = TOLERANCES["float32"],
) -> Differences:
    """Pair each expected keypoint with the nearest that was found, and compare the pairs.

    Args:
        size: (height, width) of the image, px.
        expected: keypoints (N, 2) px, scores (N,), descriptors (N, D).
        found: the same of M keypoints, in any order.
        tolerances: what a pair may differ by to agree.
    """
    from scipy.spatial import KDTree

    counts = (len(expected[0]), len(found[0]))
    if 0 in counts:
        return Differences(size, *counts, float(counts == (0, 0)), 0.0, 0.0, 0.0)
    distances, nearest = KDTree(found[0]).query(expected[0])
    score_errors = np.abs(expected[1] - found[1][nearest])
    cosine_errors = 1 - (expected[2].astype(np.float64) * found[2][nearest]).sum(axis=1)
    agrees = (
        (distances <= tolerances.keypoint_px)
        & (score_errors <= tolerances.score)
        & (cosine_errors <= tolerances.cosine)
    )
    worst = [
        float(np.quantile(errors, MIN_AGREEMENT, method="higher"))
        for errors in (distances, score_errors, cosine_errors)
    ]
    return Differences(size, *counts, float(agrees.mean()), *worst)
