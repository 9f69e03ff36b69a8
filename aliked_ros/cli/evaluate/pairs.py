"""evaluate pairs: relative pose AUC on lists of pairs, such as MegaDepth-1500 and ScanNet-1500."""

from __future__ import annotations

import argparse
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aliked_ros.cli.evaluate.method_options import add_options, open_contestants
from aliked_ros.cli.evaluate.publishing import publish, require_plots
from aliked_ros.cli.progress import progress_bar

if TYPE_CHECKING:
    from aliked_ros.evaluation.methods.contestants import Contestant
    from aliked_ros.evaluation.pose.pair_lists import PosedPair
    from aliked_ros.evaluation.reports.report import Report, Table


DESCRIPTION = "Relative pose AUC@5/10/20 deg on a list of image pairs."

Row = dict[str, float]  # of one pair: matches, precision, and the error of each estimator, deg
Rows = dict[int, dict[str, list[Row]]]  # budget -> method -> pairs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="SuperGlue's form, 36 or 38 columns; `evaluate make-pairs` writes one",
    )
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="what FILE's names are below (default: FILE's)"
    )
    parser.add_argument(
        "--budgets", default="1024,2048", metavar="A,B,...", help="keypoints (default: 1024,2048)"
    )
    parser.add_argument(
        "--longer-side",
        type=int,
        default=0,
        metavar="PX",
        help="shrink images to this (usual: MegaDepth 1600, ScanNet 640); 0: as they are",
    )
    parser.add_argument("--estimators", default="opencv,poselib", metavar="A,B")
    parser.add_argument(
        "--threshold-px", type=float, default=1.0, help="epipolar error of an inlier (default: 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of PoseLib's sampling")
    parser.add_argument("--limit", type=int, metavar="N", help="at most this many pairs")
    # As in LightGlue's tables: as many keypoints as the budget allows, however faint.
    add_options(parser, max_keypoints=2048, detection_threshold=0.0)


def run(options: argparse.Namespace) -> int:
    """Write pairs.md, pairs.json and the plot into DIR."""
    return publish(evaluate(options), options.out)


def evaluate(options: argparse.Namespace) -> Report:
    """Return the report of a run."""
    from aliked_ros.evaluation.pose.pair_lists import read_pairs

    require_plots("pairs")
    budgets = sorted(int(budget) for budget in options.budgets.split(","))
    estimators = options.estimators.split(",")
    pairs = read_pairs(options.file)[: options.limit]
    contestants = open_contestants(options, max_keypoints=budgets[-1], with_matchers=True)
    rows: Rows = {b: {c.method.name: [] for c in contestants} for b in budgets}
    with progress_bar(total=len(pairs) * len(contestants), unit="pair") as bar:
        for pair in pairs:
            upright, *images = _load(pair, options)
            for contestant in contestants:
                for budget in budgets:
                    row = _score(upright, images, contestant, budget, estimators, options)
                    rows[budget][contestant.method.name].append(row)
                bar.update()
    return _report(rows, estimators, len(pairs), options)


def _load(pair: PosedPair, options: argparse.Namespace) -> tuple[PosedPair, Any, Any]:
    """Return the upright pair with its intrinsics for the shrunk images, and these."""
    from dataclasses import replace

    from aliked_ros.datasets.image_files import read_rgb
    from aliked_ros.evaluation.homography.changes import resize
    from aliked_ros.evaluation.pose.pair_lists import turn_upright

    folder = options.images or options.file.parent
    upright, image0, image1 = turn_upright(
        pair, read_rgb(folder / pair.name0), read_rgb(folder / pair.name1)
    )
    image0, S0 = resize(image0, options.longer_side)
    image1, S1 = resize(image1, options.longer_side)
    return replace(upright, K0=S0 @ upright.K0, K1=S1 @ upright.K1), image0, image1


def _score(
    pair: PosedPair,
    images: list[Any],
    contestant: Contestant,
    budget: int,
    estimators: list[str],
    options: argparse.Namespace,
) -> Row:
    from aliked_ros.evaluation.pose import metrics

    keypoints0, keypoints1, matches = contestant.match(images[0], images[1], budget)
    pixels = keypoints0[matches[:, 0]], keypoints1[matches[:, 1]]
    K = pair.K0, pair.K1
    row = {
        "matches": float(len(matches)),
        "precision": metrics.matching_precision(pixels, K, pair.T_1_0),
    }
    for estimator in estimators:
        estimate = metrics.estimate_motion(pixels, K, estimator, options.threshold_px, options.seed)
        row[estimator] = metrics.pose_error_deg(pair.T_1_0, estimate)
    return row


def _report(
    rows: Rows, estimators: list[str], num_pairs: int, options: argparse.Namespace
) -> Report:
    from aliked_ros.evaluation.pose.metrics import pose_auc
    from aliked_ros.evaluation.reports.charts import Panel, plot_curves
    from aliked_ros.evaluation.reports.report import Report

    size = f"longer side {options.longer_side} px" if options.longer_side else "original size"
    about = (
        f"{num_pairs} pairs of {options.file.resolve().parent.name}, {size}, mutual nearest "
        "neighbours or LightGlue where it is named, inliers within "
        f"{options.threshold_px:g} px. AUC of the pose error (the larger one of rotation and "
        "direction of translation) up to 5, 10, 20 deg, percent; precision: share of matches on "
        "the true epipolar lines, percent."
    )
    thresholds_deg = list(range(1, 31))
    panels = [
        Panel(f"{budget} keypoints, {estimator}", "pose error [deg]", "AUC [%]", thresholds_deg, {
            name: [100 * pose_auc(_errors(found, estimator), t) for t in thresholds_deg]
            for name, found in of_methods.items()
        })
        for budget, of_methods in rows.items() for estimator in estimators
    ]  # fmt: skip
    # One scale for all panels.
    highest = max(max(values) for panel in panels for values in panel.curves.values())
    top = max(10 * ceil(highest / 10), 10)
    figures = {"estimators": estimators, "budgets": {str(k): v for k, v in rows.items()}}
    return Report(
        "pairs",
        "Relative pose",
        about,
        [_table(budget, of_methods, estimators) for budget, of_methods in rows.items()],
        figures,
        {"pairs_auc": plot_curves("Relative pose", panels, top)},
    )


def _errors(found: list[Row], estimator: str) -> list[float]:
    return [row[estimator] for row in found]


def _table(budget: int, of_methods: dict[str, list[Row]], estimators: list[str]) -> Table:
    import numpy as np

    from aliked_ros.evaluation.pose.metrics import AUC_THRESHOLDS_DEG, pose_auc
    from aliked_ros.evaluation.reports.report import Table

    columns = ["method", "matches", "precision"]
    columns += [f"{name} AUC@{t}" for name in estimators for t in AUC_THRESHOLDS_DEG]
    table: list[list[Any]] = []
    for name, found in of_methods.items():
        means = [float(np.mean([row[key] for row in found])) for key in ("matches", "precision")]
        table.append([name, means[0], 100 * means[1]])
        table[-1] += [
            100 * pose_auc(_errors(found, estimator), threshold)
            for estimator in estimators
            for threshold in AUC_THRESHOLDS_DEG
        ]
    return Table(f"{budget} keypoints", tuple(columns), table, {"matches": 0})
