"""export: extractor or matcher as ONNX for TensorRT and C++, checked against torch."""

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
    from aliked_ros.onnx_matcher import MatchDifferences

DESCRIPTION = "Write a network as ONNX of standard operators, for TensorRT and C++."
_OPTIONS = ("weights", "max_keypoints", "detection_threshold")
_USUAL_SIZE = (480, 640)  # height and width, px
# Checked where the size is dynamic: a multiple of 32, none, and a tall one.
_DYNAMIC_SIZES = ((480, 640), (375, 501), (333, 127))
_TENSORRT_MAX_KEYPOINTS = 3840  # its TopK takes no more
_MATCHER = "lightglue"
_CHECKED_KEYPOINTS = ((512, 512), (1, 30), (700, 300))  # of the two images, where LightGlue is


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "model", choices=(*MODELS, _MATCHER), help="network variant, or the matcher"
    )
    parser.add_argument("output", type=Path, metavar="OUTPUT.onnx", help="file to write")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument(
        "--size",
        type=_read_size,
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
    config = config_from(options, "extractor", ExtractorConfig)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    if options.model == _MATCHER:
        _refuse_extractor_options(options)
        return _export_matcher(options, config.weights)
    return _export_extractor(options, config)


def _export_extractor(options: argparse.Namespace, config: ExtractorConfig) -> int:
    from aliked_ros import onnx_export
    from aliked_ros.extras import MissingPackageError
    from aliked_ros.network.weights import load_network

    network, weights_id = load_network(options.model, config.weights)
    size = options.size or _USUAL_SIZE
    onnx_export.write_onnx(
        network,
        options.output,
        size=None if options.dynamic else size,
        max_keypoints=config.max_keypoints,
        detection_threshold=config.detection_threshold,
        opset=options.opset,
        weights_id=weights_id,
    )
    _announce(options, "any size" if options.dynamic else f"{size[1]}x{size[0]}")
    if config.max_keypoints > _TENSORRT_MAX_KEYPOINTS:
        print(f"note: TensorRT takes at most {_TENSORRT_MAX_KEYPOINTS} keypoints")
    checked = _DYNAMIC_SIZES if options.dynamic else (size,)
    large = [(h, w) for h, w in checked if h * w >= config.max_keypoints]
    try:
        differences = onnx_export.compare_with_torch(options.output, network, large)
    except MissingPackageError as error:
        print(f"not checked: {error}")
        return 0
    return _judge(options.output, differences)


def _export_matcher(options: argparse.Namespace, weights: str) -> int:
    from aliked_ros import onnx_matcher
    from aliked_ros.extras import MissingPackageError
    from aliked_ros.network.lightglue_weights import load_lightglue
    from aliked_ros.network.released import LIGHTGLUE, find_weights, sha256_of

    network = load_lightglue(weights)
    digest = sha256_of(find_weights(LIGHTGLUE, weights))
    onnx_matcher.write_matcher(network, options.output, opset=options.opset, weights_id=digest[:8])
    _announce(options, "any numbers of keypoints")
    try:
        differences = onnx_matcher.compare_with_torch(options.output, network, _CHECKED_KEYPOINTS)
    except MissingPackageError as error:
        print(f"not checked: {error}")
        return 0
    return _judge_matcher(options.output, differences)


def _refuse_extractor_options(options: argparse.Namespace) -> None:
    """Raise ValueError if something is asked for that only an extractor has."""
    given = vars(options)
    knobs = (name for name in _OPTIONS if name != "weights" and f"extractor.{name}" in given)
    names = [name for name in ("size", "dynamic") if given[name]] + list(knobs)
    if names:
        option = names[0].replace("_", "-")
        raise ValueError(
            f"--{option} is given and the model is {_MATCHER}: leave it out; a matcher's file "
            "takes any numbers of keypoints of images of any size"
        )


def _announce(options: argparse.Namespace, shape: str) -> None:
    megabytes = options.output.stat().st_size / 1e6
    print(f"{options.output}: {options.model}, {shape}, {megabytes:.1f} MB, opset {options.opset}")


def _judge_matcher(path: Path, differences: list[MatchDifferences]) -> int:
    """Do what `_judge` does for a matcher."""
    from aliked_ros import onnx_matcher

    for one in differences:
        num0, num1 = one.num_keypoints
        print(
            f"{num0} and {num1} keypoints: {one.num_found} matches, torch {one.num_expected}; "
            f"{one.agreement:.1%} agree; score within {one.score:.1e}"
        )
    if all(one.are_tolerable for one in differences):
        print("the file computes what torch computes")
        return 0
    print(
        f"{path} differs from torch: at least {onnx_matcher.MIN_AGREEMENT:.1%} of the matches must "
        f"agree, their scores within {onnx_matcher.SCORE_TOLERANCE}",
        file=sys.stderr,
    )
    return 1


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
