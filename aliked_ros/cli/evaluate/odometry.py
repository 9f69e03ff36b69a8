"""evaluate odometry: features, configurations and files from outside -> a table per sequence."""

from __future__ import annotations

import argparse
import json
import time  # noqa: TID251 - a command measures how long its steps take
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aliked_ros.cli.arguments import add_options
from aliked_ros.cli.evaluate.odometry_plan import plan
from aliked_ros.cli.evaluate.publishing import require_plots
from aliked_ros.cli.progress import progress_bar
from aliked_ros.config import SENSORS, ExtractorConfig, OdometryConfig, StereoConfig
from aliked_ros.extras import require

if TYPE_CHECKING:
    from aliked_ros.datasets import Sequence
    from aliked_ros.evaluation.methods.cache import CachedExtractor
    from aliked_ros.evaluation.odometry.feature_choice import FeatureChoice
    from aliked_ros.evaluation.odometry.run_spec import RunSpec
    from aliked_ros.evaluation.odometry.table import Row
    from aliked_ros.odometry.pipeline import FramePipeline

    Job = tuple[RunSpec, Sequence]

DESCRIPTION = "Compare features, configurations and trajectories from outside over sequences."
_PART = "evaluate odometry"  # of a page
_DISTURBANCES = ("none", "drop", "blackout", "brightness", "blur", "depth_holes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "sequences", nargs="+", metavar="SEQUENCE", help="folder or file, as for track; 'synthetic'"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument(
        "--features",
        nargs="+",
        default=["aliked-n16", "sift", "orb"],
        metavar="NAME",
        help="aliked-*, alike-*, sift, orb, or as for homography; with knobs of its own: "
        "NAME@max_keypoints=N,min_similarity=X,detection_threshold=X",
    )
    parser.add_argument(
        "--sensors", nargs="+", choices=SENSORS, help="those that a sequence has; default: its best"
    )
    parser.add_argument(
        "--disturb", nargs="+", choices=_DISTURBANCES, default=["none"], metavar="NAME",
        help=f"one run each: {', '.join(_DISTURBANCES)}",
    )  # fmt: skip
    parser.add_argument(
        "--disturb-seed", type=int, default=0, metavar="N", help="of what is random"
    )
    _add_configurations(parser)
    _add_settings(parser)
    add_options(parser, "odometry", OdometryConfig, without=("sensor", "seed"))
    add_options(parser, "stereo", StereoConfig)


def _add_configurations(parser: argparse.ArgumentParser) -> None:
    """Declare what else is compared."""
    parser.add_argument(
        "--configurations", nargs="+", default=[], metavar="NAME[@KNOB=VALUE,...]",
        help="every run with each of these; the knobs are those of the odometry options, and "
        "replace what these say; a name alone changes nothing",
    )  # fmt: skip
    parser.add_argument(
        "--stages", action="store_true",
        help="every run with the newest keyframes alone, with bundle adjustment, and with the "
        "whole map: a column of one table each",
    )  # fmt: skip
    parser.add_argument(
        "--trajectory", nargs="+", action="extend", default=[],
        metavar="NAME[:SENSOR][@SEQUENCE]=FILE",
        help="a file of another odometry beside ours: rows 'stamp tx ty tz qx qy qz qw' of the "
        "(left) camera, with the stamps of its frames; files of one name are its runs; SENSOR and "
        "SEQUENCE (its name in the table) where there is more than one",
    )  # fmt: skip
    parser.add_argument(
        "--page", type=Path, metavar="FILE",
        help=f"write the tables between '<!-- {_PART}: begin -->' and '... end -->', too; those of "
        "--stages and --disturb where the name goes on so",
    )  # fmt: skip


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Declare what all runs have in common."""
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each kind")
    parser.add_argument(
        "--max-keypoints", type=int, default=1000, metavar="N", help="of every kind"
    )
    parser.add_argument("--max-frames", type=int, metavar="N", help="from the first frame on")
    parser.add_argument(
        "--rpe-frames", type=int, default=0, metavar="N", help="RPE over N frames; 0: about 1 s"
    )
    parser.add_argument(
        "--pairs", action="store_true",
        help="neighbouring frames are runs of their own: for sequences with wide steps",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="features on disk; default: DIR of --out/features"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--detection-threshold", type=float, metavar="X",
        default=ExtractorConfig().detection_threshold, help="of ALIKED and ALIKE",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Write report.md, report.json, bars.png and a picture of the paths per sequence into DIR."""
    from aliked_ros.evaluation.odometry import outside
    from aliked_ros.evaluation.odometry.summary import report_text
    from aliked_ros.evaluation.odometry.table import tabulate

    _require(options)
    planned = plan(options)
    runs = _perform(planned.jobs, options)
    folder = options.out / "runs"
    others = outside.judge(planned.outside, folder, options.rpe_frames)
    folders = [spec.folder(folder) for spec, _ in planned.jobs]
    folders += [outside.folder_of(one, folder) for one in planned.outside]
    runs += others
    rows = tabulate(runs)
    report = {"rows": [row.as_json() for row in rows], "runs": runs}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = report_text(rows, runs, options.seeds)
    (options.out / "report.md").write_text(text, encoding="utf-8")
    _draw(options.out, folders, runs, rows)
    if options.page is not None:
        _write_page(options, rows)
    print(text)
    print(f"written: {options.out}")
    return 0


def _require(options: argparse.Namespace) -> None:
    """Raise what would stop the command at its end, before hours of work."""
    from aliked_ros.evaluation.reports.page import require_part

    require_plots("odometry")
    require("evo", extra="evaluation", feature="evaluate odometry")
    if options.seeds < 1 or (options.max_frames is not None and options.max_frames < 3):
        raise ValueError(
            f"--seeds {options.seeds} --max-frames {options.max_frames}: "
            "at least one seed and three frames are needed"
        )
    if options.page is not None:
        require_part(options.page, _part(options))


def _part(options: argparse.Namespace) -> str:
    """Return the name of the place on a page: stages and disturbances have one of their own."""
    if options.stages:
        return f"{_PART} --stages"
    return _PART if options.disturb == ["none"] else f"{_PART} --disturb"


def _write_page(options: argparse.Namespace, rows: list[Row]) -> None:
    """Write the tables, with what made them, into their place on a page."""
    from aliked_ros.evaluation.odometry.summary import accuracy, stages
    from aliked_ros.evaluation.odometry.table import tables
    from aliked_ros.evaluation.reports.page import replace_part
    from aliked_ros.evaluation.reports.provenance import provenance

    origin = "\n".join(f"- {name}: {value}" for name, value in provenance().items())
    found = accuracy(rows, options.seeds)
    if options.stages:
        found = stages(rows)
    elif options.disturb != ["none"]:
        found = tables(rows)
    replace_part(options.page, _part(options), f"{origin}\n\n{found}")


def _perform(jobs: list[Job], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Do the runs that are not finished yet, with a progress bar over all frames."""
    from aliked_ros.evaluation.odometry import runs as odometry_runs
    from aliked_ros.evaluation.odometry.run_spec import load_run

    open_extractor = cache(partial(_open_extractor, options))
    out = options.out / "runs"
    runs = []
    total = sum(_num_frames(job) for job in jobs)
    with progress_bar(total=total, unit="frame") as progress:

        def on_frame(state: str) -> None:
            progress.set_postfix_str(state, refresh=False)
            progress.update()

        for _, same in groupby(jobs, lambda job: _frames_key(job[0])):
            group = list(same)
            spec, sequence = group[0]
            done = progress.n
            progress.set_description(
                f"{sequence.name} {spec.sensor} {spec.feature.label}", refresh=False
            )
            missing = [spec for spec, _ in group if load_run(spec, out) is None]
            if missing:
                extract = open_extractor(spec.feature)
                make_tracker = partial(_make_tracker, extract)
                odometry_runs.perform_runs(missing, sequence, extract, make_tracker, out, on_frame)
            # Dropped frames and finished runs count as done, too.
            progress.update(done + sum(map(_num_frames, group)) - progress.n)
            runs += [load_run(spec, out) or {} for spec, _ in group]
    return runs


def _open_extractor(options: argparse.Namespace, feature: FeatureChoice) -> CachedExtractor:
    from aliked_ros.evaluation.methods.cache import CachedExtractor
    from aliked_ros.evaluation.methods.door import open_method
    from aliked_ros.evaluation.methods.method import Budget
    from aliked_ros.spreading import spread

    num, num_found = feature.max_keypoints, max(feature.max_keypoints, feature.spread_from)
    budget = Budget(num_found, feature.detection_threshold, options.device)
    method = open_method(feature.method, budget)
    name = method.identity if num_found == num else f"{method.identity}-spread{num}"
    folder = (options.cache or options.out / "features") / name
    return CachedExtractor(
        lambda image: spread(method.extract(image), num), folder, time.perf_counter
    )


def _make_tracker(extract: CachedExtractor, spec: RunSpec, sequence: Sequence) -> FramePipeline:
    """Return the odometry of a run, at the beginning."""
    from aliked_ros.odometry.pipeline import FramePipeline
    from aliked_ros.odometry.rig import make_rig
    from aliked_ros.odometry.visual_odometry import VisualOdometry

    rig = make_rig(
        spec.sensor,
        sequence.require_camera(),
        sequence.right_camera,
        sequence.T_left_right,
        spec.stereo,
    )
    matcher = spec.feature.matcher
    odometry = VisualOdometry(spec.odometry, matcher, rig.camera, rig.right_camera)
    return FramePipeline(rig, odometry, time.perf_counter, extract)


def _frames_key(spec: RunSpec) -> tuple[Any, ...]:
    """Return what decides which frames and features a run reads."""
    return spec.sequence, spec.sensor, spec.disturbance, spec.feature


def _num_frames(job: Job) -> int:
    spec, sequence = job
    return min(len(sequence), spec.max_frames or len(sequence))


def _draw(out: Path, folders: list[Path], runs: list[dict[str, Any]], rows: list[Row]) -> None:
    """Write bars.png, and for each sequence, sensor and disturbance the paths of the first seed."""
    import numpy as np

    from aliked_ros.datasets.image_files import write_image
    from aliked_ros.evaluation.odometry.plots import plot_bars, plot_paths

    bars = plot_bars(rows)
    if bars is not None:
        write_image(out / "bars.png", bars)
    paths: dict[str, dict[str, Any]] = {}
    truths: dict[str, Any] = {}
    for folder, figures in zip(folders, runs, strict=True):
        aligned = folder / "aligned.npz"
        if figures["seed"] != 0 or not figures.get("score") or not aligned.is_file():
            continue
        name = "-".join(figures[part] for part in ("sequence", "sensor", "disturbance"))
        with np.load(aligned) as stored:
            label = f"{figures['method']} {figures['configuration']}".rstrip()
            paths.setdefault(name, {})[label] = stored["positions_m"]
            longest = truths.get(name, np.zeros((0, 3)))
            truths[name] = max(longest, stored["reference_m"], key=len)
    for name, paths_m in paths.items():
        write_image(out / f"paths-{name}.png", plot_paths(name, truths[name], paths_m))
