"""export: a network as ONNX for TensorRT and C++, checked against torch."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.config import MODELS, ExtractorConfig

if TYPE_CHECKING:
    from aliked_ros.onnx_export import Differences

DESCRIPTION = "Write a network as ONNX of standard operators, for TensorRT and C++."
_OPTIONS = ("weights", "max_keypoints", "detection_threshold")
# Checked where the size is dynamic: a multiple of 32, none, and a tall one.
_DYNAMIC_SIZES = ((480, 640), (375, 501), (333, 127))
_TENSORRT_MAX_KEYPOINTS = 3840  # its TopK takes no more


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("model", choices=MODELS, help="network variant")
    parser.add_argument("output", type=Path, metavar="OUTPUT.onnx", help="file to write")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument(
        "--size",
        type=_read_size,
        default=(480, 640),
        metavar="WxH",
        help="size of the images, px (default: 640x480)",
    )
    shape.add_argument(
        "--dynamic", action="store_true", help="take images of any size from 64x64 on"
    )
    parser.add_argument(
        "--opset",
        type=int,
        default=18,
        choices=(18, 19, 20, 21),
        help="version of the standard operators (default: 18); TensorRT 10 reads up to 20",
    )
    others = tuple(knob.name for knob in fields(ExtractorConfig) if knob.name not in _OPTIONS)
    add_options(parser, "extractor", ExtractorConfig, short=True, without=others)


def run(options: argparse.Namespace) -> int:
    """Write the file and compare it with torch; 1 if they differ."""
    from aliked_ros import onnx_export
    from aliked_ros.extras import MissingPackageError
    from aliked_ros.network.weights import load_network

    config = config_from(options, "extractor", ExtractorConfig)
    network, weights_id = load_network(options.model, config.weights)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    onnx_export.write_onnx(
        network,
        options.output,
        size=None if options.dynamic else options.size,
        max_keypoints=config.max_keypoints,
        detection_threshold=config.detection_threshold,
        opset=options.opset,
        weights_id=weights_id,
    )
    megabytes = options.output.stat().st_size / 1e6
    shape = "any size" if options.dynamic else f"{options.size[1]}x{options.size[0]}"
    print(f"{options.output}: {options.model}, {shape}, {megabytes:.1f} MB, opset {options.opset}")
    if config.max_keypoints > _TENSORRT_MAX_KEYPOINTS:
        print(f"note: TensorRT takes at most {_TENSORRT_MAX_KEYPOINTS} keypoints")
    checked = _DYNAMIC_SIZES if options.dynamic else (options.size,)
    large = [(h, w) for h, w in checked if h * w >= config.max_keypoints]
    try:
        differences = onnx_export.compare_with_torch(options.output, network, large)
    except MissingPackageError as error:
        print(f"not checked: {error}")
        return 0
    return _judge(options.output, differences)


def _judge(path: Path, differences: list[Differences]) -> int:
    """Say how far the file is from torch; return 1 if that is too far."""
    from aliked_ros import onnx_export

    for one in differences:
        print(_describe(one))
    if not all(one.are_tolerable for one in differences):
        print(
            f"{path} differs from torch: at least {onnx_export.MIN_AGREEMENT:.0%} of the "
            f"keypoints must agree within {onnx_export.KEYPOINT_TOLERANCE_PX} px, score "
            f"{onnx_export.SCORE_TOLERANCE} and 1 - cosine {onnx_export.COSINE_TOLERANCE}",
            file=sys.stderr,
        )
        return 1
    print("the file computes what torch computes")
    return 0


def _describe(differences: Differences) -> str:
    one = differences
    height, width = one.image_size
    return (
        f"{width}x{height}: {one.num_found} keypoints, torch {one.num_expected}; "
        f"{one.agreement:.1%} agree; 99 % within {one.keypoint_px:.1e} px, "
        f"score {one.score:.1e}, 1 - cosine {one.cosine:.1e}"
    )


def _read_size(text: str) -> tuple[int, int]:
    """Return (height, width) of a text such as 640x480."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r}: give width and height in px, as in 640x480")
    return int(height), int(width)
