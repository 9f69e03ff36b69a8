"""Network -> ONNX of standard operators."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from aliked_ros import __version__
from aliked_ros.extras import require
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.exportable import ExportableALIKED
from aliked_ros.network.exportable_tensorrt import for_tensorrt

INPUT = "image"
OUTPUTS = ("keypoints", "scores", "descriptors", "num_keypoints")
FORMS = ("plain", "tensorrt")
# The oldest that torch writes without converting, which TensorRT reads since 9; the oldest with
# DeformConv, which it reads since 10.1.
OPSETS = {"plain": 18, "tensorrt": 19}
PRECISIONS = ("float32", "float16")
MIN_SIDE = 64  # px, of images for a file of dynamic size
MAX_SIDE = 8192
_SOME_SIZE = (483, 645)  # what a dynamic size is traced with: no multiple of anything


class ExportError(RuntimeError):
    """No such file can be written; the message says what to do."""


def write_onnx(
    network: ALIKED,
    path: Path,
    *,
    size: tuple[int, int] | None,
    max_keypoints: int,
    detection_threshold: float,
    form: str = "plain",
    precision: str = "float32",
    opset: int | None = None,
    weights_id: str = "",
) -> None:
    """Write a network as ONNX: `ExportableALIKED` for one image.

    Args:
        network: any ALIKED, on the CPU.
        path: file to write; its folder exists.
        size: (height, width) of the images, px; None: any from MIN_SIDE on that has K pixels.
        max_keypoints: K, rows of every output.
        detection_threshold: constant of the file; a peak of the score map must exceed it.
        form: one of FORMS; tensorrt has the operator DeformConv.
        precision: one of PRECISIONS; float16, of the form tensorrt: see `for_tensorrt`.
        opset: version of the standard operators; None: the oldest that has what is needed.
        weights_id: short name of the parameters, noted in the file.

    Raises:
        ExportError: if K exceeds the number of pixels; if form, precision and opset do not fit.
        MissingPackageError: without onnx and onnxscript.
    """
    for package in ("onnx", "onnxscript"):
        require(package, extra="export", feature="writing ONNX")
    opset = opset or OPSETS[form]
    _check(form, precision, opset)
    prepared = (
        for_tensorrt(network, getattr(torch, precision)) if form == "tensorrt" else network.fuse()
    )
    module = ExportableALIKED(prepared, max_keypoints, detection_threshold).eval()
    program = _trace(module, size, max_keypoints, opset)
    notes = {
        "model": network.model,
        "form": form,
        "precision": precision,
        "weights": weights_id,
        "max_keypoints": max_keypoints,
        "detection_threshold": detection_threshold,
    }
    save(program, path, notes)


def _check(form: str, precision: str, opset: int) -> None:
    if form == "plain" and precision != "float32":
        raise ExportError(f"precision is {precision}: the form plain is float32; give tensorrt")
    if form == "tensorrt" and not hasattr(torch.onnx, "ops"):
        raise ExportError(
            f"the form tensorrt needs torch 2.8 or later; here is {torch.__version__}"
        )
    if opset < OPSETS[form]:
        raise ExportError(f"opset is {opset}: the form {form} needs at least {OPSETS[form]}")


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
