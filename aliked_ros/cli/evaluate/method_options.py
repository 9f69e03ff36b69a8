"""Options that the evaluations share, and the methods that they name, ready to run."""

from __future__ import annotations

import argparse
import sys
import time  # noqa: TID251 - a command measures how long its steps take
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aliked_ros.evaluation.methods.contestants import Contestant
    from aliked_ros.structs import Pixels

_ALL = "all"


def add_options(
    parser: argparse.ArgumentParser,
    max_keypoints: int,
    methods: str = _ALL,
    detection_threshold: float = 0.2,
) -> None:
    """Declare --methods, --max-keypoints, --detection-threshold, --device, --out and --cache."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument(
        "--methods",
        default=methods,
        metavar="A,B,...",
        help="aliked-*, alike-*, sift, orb, MODEL:FILE (own weights), disk:FILE, xfeat:FILE, "
        "aliked-n16+lightglue (homography and pairs: LightGlue instead of nearest neighbours; "
        "METHOD+lightglue:FILE with other weights), "
        f"module:function or file.py:function (default: {methods})",
    )
    parser.add_argument(
        "--max-keypoints",
        type=_positive,
        default=max_keypoints,
        metavar="N",
        help=f"per image (default: {max_keypoints})",
    )
    parser.add_argument(
        "--detection-threshold",
        type=float,
        default=detection_threshold,
        metavar="X",
        help=f"of ALIKED and ALIKE (default: {detection_threshold:g})",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="features of each image, so that an interrupted run resumes (default: OUT/features)",
    )


def open_contestants(
    options: argparse.Namespace, max_keypoints: int | None = None, *, with_matchers: bool = False
) -> list[Contestant]:
    """Return the methods that the options name, with_matchers: METHOD+lightglue among them.

    Of "all", methods without weights on this machine are left out, with a line that says so.
    """
    from aliked_ros.evaluation.methods.contestants import open_methods, with_cache
    from aliked_ros.evaluation.methods.learned_matcher import open_with_matcher
    from aliked_ros.evaluation.methods.method import Budget

    budget = Budget(
        max_keypoints or options.max_keypoints, options.detection_threshold, options.device
    )
    open_one = open_with_matcher if with_matchers else None
    methods = open_methods(options.methods, budget, _say, open_one)
    return with_cache(methods, options.cache or options.out / "features", time.perf_counter)


def measure_speed(image: Pixels, options: argparse.Namespace, repeats: int = 5) -> dict[str, float]:
    """Return method -> frames per second on an image (H, W) or (H, W, 3); see `timing`.

    It is the time of extraction: METHOD+lightglue is left out.
    """
    from aliked_ros.evaluation.methods.contestants import open_methods
    from aliked_ros.evaluation.methods.learned_matcher import SUFFIX
    from aliked_ros.evaluation.methods.timing import frames_per_second, speed_budget

    specs = [spec for spec in options.methods.split(",") if SUFFIX not in spec]
    if not specs:
        return {}
    methods = open_methods(",".join(specs), speed_budget(options.device), _say)
    return frames_per_second(methods, image, repeats, time.perf_counter)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: must be at least 1")
    return value
