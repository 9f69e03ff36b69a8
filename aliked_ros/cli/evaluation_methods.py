"""Options that the evaluations share, and the methods that they name, ready to run."""

from __future__ import annotations

import argparse
import sys
import time  # noqa: TID251 - a command measures how long its steps take
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aliked_ros.structs import Array, Index, Pixels

if TYPE_CHECKING:
    from aliked_ros.evaluation.feature_cache import CachedExtractor, Extract
    from aliked_ros.evaluation.methods import Method
    from aliked_ros.evaluation.report import Report

SPEED_IMAGE_SIZE = (480, 640)
SPEED_KEYPOINTS = 1000
_ALL = "all"


@dataclass(frozen=True)
class Contestant:
    """A method, and its extraction that remembers what it has seen."""

    method: Method
    extract: CachedExtractor


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
        help="features of each image, so that an interrupted run goes on (default: OUT/features)",
    )


def publish(report: Report, out: Path) -> int:
    """Write a report into a folder (Markdown, JSON, plots) and print it; return the exit code."""
    from aliked_ros.cli.provenance import provenance
    from aliked_ros.evaluation.report import write_report

    write_report(out, report, provenance())
    print(report.markdown())
    return 0


def open_contestants(
    options: argparse.Namespace, max_keypoints: int | None = None
) -> list[Contestant]:
    """Return the methods that the options name.

    Of "all", methods without weights on this machine are left out, with a line that says so.
    """
    from aliked_ros.evaluation.feature_cache import CachedExtractor
    from aliked_ros.evaluation.methods import Budget

    budget = Budget(
        max_keypoints or options.max_keypoints, options.detection_threshold, options.device
    )
    folder = options.cache or options.out / "features"
    return [
        Contestant(
            method, CachedExtractor(_given(method), folder / method.identity, time.perf_counter)
        )
        for method in open_all(options.methods, budget)
    ]


def _given(method: Method) -> Callable[[], Extract]:
    return lambda: method.extract


def open_all(specs: str, budget: object) -> list[Method]:
    """Return the methods of a comma-separated list, or all that have their weights here."""
    from aliked_ros.evaluation.methods import NAMES, Budget, MethodError, open_method
    from aliked_ros.network.weights import WeightsError

    assert isinstance(budget, Budget)
    wanted = list(NAMES) if specs == _ALL else [name for name in specs.split(",") if name]
    methods = []
    for spec in wanted:
        try:
            methods.append(open_method(spec, budget))
        except (MethodError, WeightsError) as error:
            if specs != _ALL:
                raise
            print(f"left out {spec}: {error}", file=sys.stderr)
    if not methods:
        raise ValueError("no method is left: name at least one with --methods")
    return methods


def measure_speed(image: Pixels, options: argparse.Namespace, repeats: int = 5) -> dict[str, float]:
    """Return method -> frames per second at 640x480 with 1000 keypoints; the methods take turns.

    The time is from the image in memory to the features in memory, the best of the repeats.
    """
    from aliked_ros.evaluation.methods import Budget

    fitted = fit(image, SPEED_IMAGE_SIZE)
    # At threshold 0 every network describes as many keypoints as it may.
    methods = open_all(options.methods, Budget(SPEED_KEYPOINTS, 0.0, options.device))
    runs = {method.name: _extraction(method, fitted) for method in methods}
    return {name: 1 / seconds for name, seconds in time_in_turns(runs, repeats).items()}


def _extraction(method: Method, image: Pixels) -> Callable[[], object]:
    return lambda: method.extract(image).to("cpu")


def time_in_turns(runs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the seconds of each run, the best of all repeats: what the machine can do.

    The runs take turns, so that a busy machine is as slow for one as for the other. In its turn a
    run happens twice and the second time counts: the caches then hold its data, not the last one's.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            run()
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: min(seconds) for name, seconds in times.items()}


def fit(image: Pixels, image_size: tuple[int, int]) -> Pixels:
    """Return the image resized to (height, width), px."""
    import cv2

    height, width = image_size
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def progress(
    items: Any = None, *, desc: str = "", unit: str = "pair", total: int | None = None
) -> Any:
    """Return a progress bar; in a log file it writes a line now and then only."""
    from tqdm import tqdm

    period_s = 0.1 if sys.stderr.isatty() else 10.0
    return tqdm(items, desc=desc, unit=unit, total=total, mininterval=period_s)


def match_indices(
    contestant: Contestant,
    image0: Pixels,
    image1: Pixels,
    budget: int | None = None,
) -> tuple[Array, Array, Index]:
    """Return keypoints (N, 2) and (M, 2), px, and their mutual nearest neighbours (K, 2).

    A budget takes the best of what was extracted.
    """
    import torch

    from aliked_ros.config import MatcherConfig
    from aliked_ros.matching import match

    features0, features1 = (
        features if budget is None else features.select(torch.arange(min(budget, len(features))))
        for features in map(contestant.extract, (image0, image1))
    )
    matches = match(features0, features1, MatcherConfig(min_similarity=-1.0))
    return (
        features0.keypoints.numpy().astype(np.float64),
        features1.keypoints.numpy().astype(np.float64),
        matches.indices.numpy(),
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: must be at least 1")
    return value
