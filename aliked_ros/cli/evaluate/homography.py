"""evaluate homography: HPatches' tables for HPatches, Oxford's pairs or any photographs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aliked_ros.cli.evaluate.method_options import add_options, measure_speed, open_contestants
from aliked_ros.cli.evaluate.publishing import publish, require_plots
from aliked_ros.cli.progress import progress_bar

if TYPE_CHECKING:
    from aliked_ros.evaluation.homography.metrics import PairScore
    from aliked_ros.evaluation.homography.pairs import PlanarPair
    from aliked_ros.evaluation.methods.contestants import Contestant
    from aliked_ros.evaluation.reports.report import Report, Table

DESCRIPTION = "Repeatability, matching score, MMA and homography accuracy on images of planes."

Scores = dict[str, dict[str, "PairScore"]]  # method -> pair -> score
_COLUMNS = {
    "keypoints": "keypoints", "matches": "matches", "repeatability": "rep.",
    "matching_score": "MS", "MMA@1": "MMA@1", "MMA@3": "MMA@3", "MMA@5": "MMA@5",
    "MMA@10": "MMA@10", "MHA@1": "MHA@1", "MHA@3": "MHA@3", "MHA@5": "MHA@5",
}  # fmt: skip
_DECIMALS = {"keypoints": 0, "matches": 0} | dict.fromkeys(list(_COLUMNS.values())[2:], 2)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "root",
        type=Path,
        metavar="ROOT",
        help="HPatches (i_*, v_*), Oxford's pairs (img1.ppm, H1to2p), or photographs, which are "
        "then warped by seeded homographies",
    )
    parser.add_argument(
        "--sizes",
        default="0,640",
        metavar="A,B,...",
        help="longer side of the images, px; 0 is the original (default: 0,640)",
    )
    parser.add_argument("--estimator", default="opencv", help="opencv (the paper's) or poselib")
    parser.add_argument("--seed", type=int, default=0, help="of the warps and of poselib")
    parser.add_argument("--limit", type=int, metavar="N", help="at most this many pairs")
    parser.add_argument(
        "--with-large", action="store_true", help="HPatches: all 116 sequences, not the usual 108"
    )
    parser.add_argument("--no-speed", action="store_true", help="leave out frames per second")
    add_options(parser, max_keypoints=5000)


def run(options: argparse.Namespace) -> int:
    """Write homography.md, homography.json and the plots into DIR."""
    return publish(evaluate(options), options.out)


def evaluate(options: argparse.Namespace) -> Report:
    """Return the report of a run."""
    from aliked_ros.evaluation.homography.pairs import find_pairs

    require_plots("homography")
    sizes = _sizes(options.sizes)
    pairs = find_pairs(
        options.root, with_large=options.with_large, seed=options.seed, limit=options.limit
    )
    contestants = open_contestants(options, with_matchers=True)
    scores = {size: _score(pairs, contestants, size, options) for size in sizes}
    speed = {} if options.no_speed else measure_speed(pairs[0].load()[0], options)
    return _report(pairs, scores, speed, options)


def _sizes(text: str) -> list[int]:
    sizes = [int(size) for size in text.split(",") if size.strip().isdigit()]
    if not sizes or len(sizes) != len(text.split(",")):
        raise ValueError(f"--sizes is {text!r}: give pixels, or 0 for the original, as in 0,640")
    return sizes


def _score(
    pairs: list[PlanarPair],
    contestants: list[Contestant],
    longer_side_px: int,
    options: argparse.Namespace,
) -> Scores:
    from aliked_ros.evaluation.homography.metrics import score_pair

    scores: Scores = {contestant.method.name: {} for contestant in contestants}
    title = f"{longer_side_px} px" if longer_side_px else "original size"
    with progress_bar(total=len(pairs) * len(contestants), desc=title, unit="pair") as bar:
        for pair in pairs:
            image0, image1, H_1_0 = pair.load(longer_side_px)
            for contestant in contestants:
                keypoints0, keypoints1, matches = contestant.match(image0, image1)
                scores[contestant.method.name][pair.name] = score_pair(
                    (keypoints0, keypoints1),
                    matches,
                    H_1_0,
                    ((image0.shape[0], image0.shape[1]), (image1.shape[0], image1.shape[1])),
                    options.estimator,
                    options.seed,
                )
                bar.update()
    return scores


def _report(
    pairs: list[PlanarPair],
    scores: dict[int, Scores],
    speed: dict[str, float],
    options: argparse.Namespace,
) -> Report:
    from aliked_ros.evaluation.reports.published import is_papers_protocol
    from aliked_ros.evaluation.reports.report import Report

    kinds = sorted({pair.kind for pair in pairs})
    budget = (options.max_keypoints, options.detection_threshold)
    with_paper = is_papers_protocol([pair.name for pair in pairs], *budget, options.estimator)
    tables = []
    for size, of_methods in scores.items():
        title = f"Longer side {size} px" if size else "Original size"
        tables.append(_table(title, of_methods, speed, with_paper and size == 0))
        if len(kinds) > 1:
            tables += [
                _table(f"{title}, {kind}", _only(of_methods, pairs, kind), {}) for kind in kinds
            ]
    figures = {
        "sizes": {str(size): _figures(of_methods) for size, of_methods in scores.items()},
        "frames_per_second": speed,
    }
    about = _about(pairs, options, with_speed=bool(speed))
    pictures = _pictures(pairs, scores, speed)
    return Report("homography", "Homography", about, tables, figures, pictures)


def _about(pairs: list[PlanarPair], options: argparse.Namespace, *, with_speed: bool) -> str:
    """Return the paragraph that says what was measured on what."""
    kinds = sorted({pair.kind for pair in pairs})
    counts = ", ".join(f"{sum(pair.kind == kind for pair in pairs)} {kind}" for kind in kinds)
    about = (
        f"{len(pairs)} pairs ({counts}) of {options.root.resolve().name}. At most "
        f"{options.max_keypoints} keypoints, ALIKED and ALIKE above {options.detection_threshold}; "
        "mutual nearest neighbours, or LightGlue where it is named; homography by "
        f"{options.estimator} (RANSAC, 3 px). Percent, means over pairs; repeatability (rep.) and "
        "matching score (MS) at 3 px; MHA is the share of pairs with a mean corner error up to 1, "
        "3, 5 px."
    )
    if with_speed:
        about += (
            " FPS: 640x480, 1000 keypoints, this machine, best of several turns; ALIKED as this "
            "package runs it, ALIKE by plain torch. GFLOPs: giga multiply-adds."
        )
    return about


def _figures(of_methods: Scores) -> dict[str, Any]:
    """Return the figures of one size as JSON holds them."""
    from dataclasses import asdict

    return {
        name: {"summary": _summary(found), "pairs": {k: asdict(v) for k, v in found.items()}}
        for name, found in of_methods.items()
    }


def _summary(found: dict[str, PairScore]) -> dict[str, float]:
    from aliked_ros.evaluation.homography.metrics import summarise

    return summarise(list(found.values()))


def _only(scores: Scores, pairs: list[PlanarPair], kind: str) -> Scores:
    names = {pair.name for pair in pairs if pair.kind == kind}
    return {
        method: {name: score for name, score in found.items() if name in names}
        for method, found in scores.items()
    }


def _table(title: str, scores: Scores, speed: dict[str, float], with_paper: bool = False) -> Table:
    from aliked_ros.evaluation.methods.complexity import giga_multiply_adds
    from aliked_ros.evaluation.methods.timing import IMAGE_SIZE, NUM_KEYPOINTS
    from aliked_ros.evaluation.reports.published import HPATCHES
    from aliked_ros.evaluation.reports.report import Table

    columns = ["method", *_COLUMNS.values()]
    columns += ["FPS", "GFLOPs"] if speed else []
    columns += ["paper MMA@3", "paper MHA@3"] if with_paper else []
    rows: list[list[Any]] = []
    for name, found in scores.items():
        summary = _summary(found)
        row: list[Any] = [name, *(summary[key] for key in _COLUMNS)]
        if speed:
            row += [speed.get(name), giga_multiply_adds(name, IMAGE_SIZE, NUM_KEYPOINTS)]
        row += list(HPATCHES.get(name, (None, None))) if with_paper else []
        rows.append(row)
    paper = {"paper MMA@3": 2, "paper MHA@3": 2, "GFLOPs": 2}
    return Table(title, tuple(columns), rows, _DECIMALS | paper)


def _pictures(
    pairs: list[PlanarPair], scores: dict[int, Scores], speed: dict[str, float]
) -> dict[str, Any]:
    from aliked_ros.evaluation.homography.metrics import MMA_THRESHOLDS_PX
    from aliked_ros.evaluation.methods.complexity import giga_multiply_adds
    from aliked_ros.evaluation.methods.timing import IMAGE_SIZE, NUM_KEYPOINTS
    from aliked_ros.evaluation.reports.charts import Panel, Scatter, plot_curves, plot_scatter

    def title(size: int) -> str:
        return f"longer side {size} px" if size else "original size"

    def mma(summary: dict[str, float]) -> list[float]:
        return [summary[f"MMA@{threshold}"] for threshold in MMA_THRESHOLDS_PX]

    panels = [
        Panel(title(size), "threshold [px]", "mean matching accuracy [%]", MMA_THRESHOLDS_PX,
              {name: mma(_summary(found)) for name, found in of_methods.items()})
        for size, of_methods in scores.items()
    ]  # fmt: skip
    pictures = {"homography_mma": plot_curves(f"Matching accuracy, {len(pairs)} pairs", panels)}
    if not speed:
        return pictures
    size = max(scores, key=lambda side: (side == 0, side))
    accuracy = {name: _summary(found)["MMA@3"] for name, found in scores[size].items()}
    gmacs = {name: giga_multiply_adds(name, IMAGE_SIZE, NUM_KEYPOINTS) for name in accuracy}
    scatters = [
        Scatter("frames per second, 640x480", f"MMA@3 [%], {title(size)}",
                {name: (speed[name], accuracy[name]) for name in accuracy if name in speed}),
        Scatter("giga multiply-adds, 640x480", f"MMA@3 [%], {title(size)}",
                {name: (value, accuracy[name]) for name, value in gmacs.items() if value}, True),
    ]  # fmt: skip
    scatters = [scatter for scatter in scatters if scatter.points]
    pictures["homography_pareto"] = plot_scatter("Accuracy beside cost", scatters)
    return pictures
