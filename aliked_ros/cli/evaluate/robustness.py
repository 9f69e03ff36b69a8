"""evaluate robustness: how far rotation, scale, light, blur, noise and JPEG carry each method."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aliked_ros.cli.evaluate.method_options import add_options, open_contestants
from aliked_ros.cli.evaluate.publishing import publish, require_plots
from aliked_ros.cli.progress import progress_bar

if TYPE_CHECKING:
    from aliked_ros.evaluation.homography.changes import Change
    from aliked_ros.evaluation.reports.report import Report, Table

DESCRIPTION = "Curves of matching accuracy over rotation, scale, light, blur, noise and JPEG."

Curves = dict[str, dict[str, list[float]]]  # method -> figure -> value at each level


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("root", type=Path, metavar="DIR", help="photographs")
    parser.add_argument(
        "--curves", default="all", metavar="A,B,...",
        help="rotation, scale, brightness, gamma, blur, noise, jpeg (default: all)",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="photographs (20)")
    parser.add_argument(
        "--longer-side", type=int, default=640, metavar="PX", help="shrink them to this (640)"
    )
    add_options(parser, max_keypoints=1000)


def run(options: argparse.Namespace) -> int:
    """Write robustness.md, robustness.json and one plot per curve into DIR."""
    return publish(evaluate(options), options.out)


def evaluate(options: argparse.Namespace) -> Report:
    """Return the report of a run."""
    from aliked_ros.datasets.image_files import list_images
    from aliked_ros.evaluation.reports.charts import Panel, plot_curves
    from aliked_ros.evaluation.reports.report import Report

    require_plots("robustness")
    photographs = list_images(options.root)[: options.limit]
    if not photographs:
        raise ValueError(f"{options.root} holds no photographs: give a folder of images")
    figures: dict[str, Any] = {}
    pictures, tables = {}, []
    for change in _changes(options.curves):
        curves = _curves(change, photographs, options)
        figures[change.name] = {"levels": change.levels, "methods": curves}
        tables.append(_table(change, curves))
        panels = [
            Panel("", change.axis, label, change.levels,
                  {name: found[key] for name, found in curves.items()}, change.is_reversed)
            for key, label in (("MMA@3", "MMA@3 [%]"), ("matching_score", "matching score [%]"))
        ]  # fmt: skip
        title = f"{change.axis}, {len(photographs)} photographs"
        pictures[f"robustness_{change.name}"] = plot_curves(title[0].upper() + title[1:], panels)
    about = (
        f"{len(photographs)} photographs of {options.root.resolve().name} (longer side "
        f"{options.longer_side} px), each beside a changed copy of itself; at most "
        f"{options.max_keypoints} keypoints, mutual nearest neighbours. The tables hold MMA@3 in "
        "percent, the plots the matching score too, which also falls when few keypoints match."
    )
    return Report("robustness", "Robustness", about, tables, {"curves": figures}, pictures)


def _changes(names: str) -> list[Change]:
    from aliked_ros.evaluation.homography.changes import CHANGES

    known = {change.name: change for change in CHANGES}
    wanted = list(known) if names == "all" else names.split(",")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(
            f"--curves has {', '.join(unknown)}: give all or some of {', '.join(known)}"
        )
    return [known[name] for name in wanted]


def _curves(change: Change, photographs: list[Path], options: argparse.Namespace) -> Curves:
    from aliked_ros.datasets.image_files import read_rgb
    from aliked_ros.evaluation.homography.changes import resize
    from aliked_ros.evaluation.homography.metrics import PairScore, score_pair, summarise

    contestants = open_contestants(options)
    scores: dict[str, list[list[PairScore]]] = {
        contestant.method.name: [[] for _ in change.levels] for contestant in contestants
    }
    total = len(photographs) * len(change.levels) * len(contestants)
    with progress_bar(total=total, desc=change.name, unit="pair") as bar:
        for path in photographs:
            image0, _ = resize(read_rgb(path), options.longer_side)
            for position, level in enumerate(change.levels):
                image1, H_1_0 = change.apply(image0, level)
                sizes = (image0.shape[0], image0.shape[1]), (image1.shape[0], image1.shape[1])
                for contestant in contestants:
                    *keypoints, matches = contestant.match(image0, image1)
                    score = score_pair((keypoints[0], keypoints[1]), matches, H_1_0, sizes)
                    scores[contestant.method.name][position].append(score)
                    bar.update()
    return {
        name: {
            key: [summarise(at_level)[key] for at_level in found]
            for key in ("MMA@3", "matching_score", "repeatability", "MHA@3")
        }
        for name, found in scores.items()
    }


def _table(change: Change, curves: Curves) -> Table:
    from aliked_ros.evaluation.reports.report import Table

    columns = ["method", *(f"{level:g}" for level in change.levels)]
    rows: list[list[Any]] = [[name, *found["MMA@3"]] for name, found in curves.items()]
    return Table(f"MMA@3 over {change.axis}", tuple(columns), rows)
