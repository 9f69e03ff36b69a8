"""export: extractor or matcher as ONNX for TensorRT and C++, checked against torch."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.config import MODELS, ExtractorConfig
from aliked_ros.extras import MissingPackageError

if TYPE_CHECKING:
    from aliked_ros.onnx_comparison import Differences
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
        "--form",
        choices=("plain", "tensorrt"),
        default="plain",
        help="tensorrt: with the operator DeformConv, for TensorRT 10.1 and later (default: plain)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "float16"),
        default="float32",
        help="of the form tensorrt: float16 halves the costly part (default: float32)",
    )
    parser.add_argument(
        "--opset",
        type=int,
        choices=(18, 19, 20, 21),
        help="version of the standard operators (default: 18, tensorrt: 19); TensorRT 10 reads "
        "up to 20",
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
    from aliked_ros import onnx_comparison, onnx_export
    from aliked_ros.network.weights import load_network

    network, weights_id = load_network(options.model, config.weights)
    size = options.size or _USUAL_SIZE
    onnx_export.write_onnx(
        network,
        options.output,
        size=None if options.dynamic else size,
        max_keypoints=config.max_keypoints,
        detection_threshold=config.detection_threshold,
        form=options.form,
        precision=options.precision,
        opset=options.opset,
        weights_id=weights_id,
    )
    shape = "any size" if options.dynamic else f"{size[1]}x{size[0]}"
    _announce(options, f"{shape}, form {options.form}, {options.precision}")
    if config.max_keypoints > _TENSORRT_MAX_KEYPOINTS:
        print(f"note: TensorRT takes at most {_TENSORRT_MAX_KEYPOINTS} keypoints")
    checked = _DYNAMIC_SIZES if options.dynamic else (size,)
    large = [(h, w) for h, w in checked if h * w >= config.max_keypoints]
    return _judge(
        options.output,
        lambda: onnx_comparison.compare_with_torch(options.output, network, large),
        str(onnx_comparison.TOLERANCES[options.precision]),
    )


def _export_matcher(options: argparse.Namespace, weights: str) -> int:
    from aliked_ros import onnx_matcher
    from aliked_ros.network.lightglue_weights import load_lightglue
    from aliked_ros.network.released import LIGHTGLUE, find_weights, sha256_of

    network = load_lightglue(weights)
    digest = sha256_of(find_weights(LIGHTGLUE, weights))
    onnx_matcher.write_matcher(network, options.output, opset=options.opset, weights_id=digest[:8])
    _announce(options, "any numbers of keypoints")
    return _judge(
        options.output,
        lambda: onnx_matcher.compare_with_torch(options.output, network, _CHECKED_KEYPOINTS),
        onnx_matcher.DEMAND,
    )


def _refuse_extractor_options(options: argparse.Namespace) -> None:
    """Raise ValueError if something is asked for that only an extractor has."""
    given = vars(options)
    knobs = (name for name in _OPTIONS if name != "weights" and f"extractor.{name}" in given)
    names = [name for name in ("size", "dynamic") if given[name]] + list(knobs)
    names += [name for name in ("form", "precision") if given[name] in ("tensorrt", "float16")]
    if names:
        option = names[0].replace("_", "-")
        raise ValueError(
            f"--{option} is given and the model is {_MATCHER}: leave it out; a matcher's file "
            "takes any numbers of keypoints of images of any size"
        )


def _announce(options: argparse.Namespace, shape: str) -> None:
    megabytes = options.output.stat().st_size / 1e6
    print(f"{options.output}: {options.model}, {shape}, {megabytes:.1f} MB")


def _judge(
    path: Path, compare: Callable[[], Sequence[Differences | MatchDifferences]], demand: str
) -> int:
    """Compare a file with torch and say how far it is; return 1 if that is too far."""
    try:
        differences = compare()
    except MissingPackageError as error:
        print(f"not checked: {error}")
        return 0
    for one in differences:
        print(one)
    if not all(one.are_tolerable for one in differences):
        print(f"{path} differs from torch: {demand}", file=sys.stderr)
        return 1
    print("the file computes what torch computes")
    return 0


def _read_size(text: str) -> tuple[int, int]:
    """Return (height, width) of a text such as 640x480."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r}: give width and height in px, as in 640x480")
    return int(height), int(width)
