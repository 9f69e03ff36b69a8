"""Network -> ONNX of standard operators, checked against torch with ONNX Runtime."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aliked_ros import __version__
from aliked_ros.extras import require
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.exportable import ExportableALIKED
from aliked_ros.structs import AnyArray

INPUT = "image"
OUTPUTS = ("keypoints", "scores", "descriptors", "num_keypoints")
DEFAULT_OPSET = 18  # the oldest that torch writes without converting; TensorRT reads it since 9
MIN_SIDE = 64  # px, of images for a file of dynamic size
MAX_SIDE = 8192
_SOME_SIZE = (483, 645)  # what a dynamic size is traced with: no multiple of anything

KEYPOINT_TOLERANCE_PX = 0.01
SCORE_TOLERANCE = 1e-4
COSINE_TOLERANCE = 1e-4
MIN_AGREEMENT = 0.99  # rounding may swap a few keypoints at the threshold and at rank K


class ExportError(RuntimeError):
    """No such file can be written; the message says what to do."""


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


def write_onnx(
    network: ALIKED,
    path: Path,
    *,
    size: tuple[int, int] | None,
    max_keypoints: int,
    detection_threshold: float,
    opset: int = DEFAULT_OPSET,
    weights_id: str = "",
) -> None:
    """Write a network as ONNX: `ExportableALIKED` for one image.

    Args:
        network: any ALIKED, on the CPU.
        path: file to write; its folder exists.
        size: (height, width) of the images, px; None: any from MIN_SIDE on that has K pixels.
        max_keypoints: K, rows of every output.
        detection_threshold: constant of the file; a peak of the score map must exceed it.
        opset: version of the standard operators.
        weights_id: short name of the parameters, noted in the file.

    Raises:
        ExportError: if K exceeds the number of pixels.
        MissingPackageError: without onnx and onnxscript.
    """
    for package in ("onnx", "onnxscript"):
        require(package, extra="export", feature="writing ONNX")
    module = ExportableALIKED(network, max_keypoints, detection_threshold).eval()
    program = _trace(module, size, max_keypoints, opset)
    notes = {
        "model": network.model,
        "weights": weights_id,
        "max_keypoints": max_keypoints,
        "detection_threshold": detection_threshold,
    }
    save(program, path, notes)


def save(program: Any, path: Path, notes: dict[str, Any]) -> None:
    """Write torch's ONNX program into one file, with notes and who wrote it."""
    notes = {"producer": f"aliked_ros {__version__}", **notes}
    program.model.metadata_props.update({name: str(value) for name, value in notes.items()})
    program.save(str(path), external_data=False)


def _trace(
    module: torch.nn.Module, size: tuple[int, int] | None, max_keypoints: int, opset: int
) -> Any:
    """Return torch's ONNX program of a module that takes an image of a size, None: of any."""
    height, width = size or _SOME_SIZE
    if max_keypoints > height * width:
        raise ExportError(
            f"max_keypoints is {max_keypoints}, but the image has {height * width} pixels"
        )
    sides = {
        2: torch.export.Dim("height", min=MIN_SIDE, max=MAX_SIDE),
        3: torch.export.Dim("width", min=MIN_SIDE, max=MAX_SIDE),
    }
    with torch.no_grad(), quiet_exporter():
        program = torch.onnx.export(
            module,
            (torch.zeros(1, 3, height, width),),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            opset_version=opset,
            dynamic_shapes=None if size else (sides,),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program


def compare_with_torch(
    path: Path, network: ALIKED, sizes: Sequence[tuple[int, int]]
) -> list[Differences]:
    """Run a file in ONNX Runtime and the network in torch on images made for the purpose.

    Args:
        path: a file of `write_onnx`.
        network: what was written into it.
        sizes: (height, width) of the images to compare on, px.

    Raises:
        MissingPackageError: without onnxruntime.
    """
    require("onnxruntime", extra="export", feature="checking an ONNX file")
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
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
            )
        )
    return differences


def blobs(height: int, width: int) -> Tensor:
    """Return an image (1, 3, height, width) float32 in [0, 1] of random blobs, full of corners."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, -(-height // 6), -(-width // 6), generator=generator)
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return fine.clamp(0, 1)


def compare(size: tuple[int, int], expected: list[AnyArray], found: list[AnyArray]) -> Differences:
    """Pair each expected keypoint with the nearest that was found, and compare the pairs.

    Args:
        size: (height, width) of the image, px.
        expected: keypoints (N, 2) px, scores (N,), descriptors (N, D).
        found: the same of M keypoints, in any order.
    """
    from scipy.spatial import KDTree

    counts = (len(expected[0]), len(found[0]))
    if 0 in counts:
        return Differences(size, *counts, float(counts == (0, 0)), 0.0, 0.0, 0.0)
    distances, nearest = KDTree(found[0]).query(expected[0])
    score_errors = np.abs(expected[1] - found[1][nearest])
    cosine_errors = 1 - (expected[2].astype(np.float64) * found[2][nearest]).sum(axis=1)
    agrees = (
        (distances <= KEYPOINT_TOLERANCE_PX)
        & (score_errors <= SCORE_TOLERANCE)
        & (cosine_errors <= COSINE_TOLERANCE)
    )
    worst = [
        float(np.quantile(errors, MIN_AGREEMENT, method="higher"))
        for errors in (distances, score_errors, cosine_errors)
    ]
    return Differences(size, *counts, float(agrees.mean()), *worst)


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Silence what the exporter says about operators that this network does not have."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
