"""evaluate odometry: sequences x sensors x features x seeds -> one table with spread."""

from __future__ import annotations

import argparse
import json
import time  # noqa: TID251 - a command measures how long its steps take
from dataclasses import replace
from functools import cache, partial
from itertools import groupby, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.cli.evaluate.publishing import require_plots
from aliked_ros.cli.progress import progress_bar
from aliked_ros.config import SENSORS, OdometryConfig, StereoConfig
from aliked_ros.extras import require

if TYPE_CHECKING:
    from aliked_ros.datasets import Sequence
    from aliked_ros.evaluation.methods.cache import CachedExtractor
    from aliked_ros.evaluation.odometry.run_spec import RunSpec
    from aliked_ros.evaluation.odometry.table import Row
    from aliked_ros.odometry.pipeline import FramePipeline

    Job = tuple[RunSpec, Sequence]

DESCRIPTION = "Compare features in the odometry over sequences, seeds and disturbances."
_ABOUT_COVARIANCE = (
    "Error of the motion over ten frames, normalised by its covariance and squared: how often it "
    "lies inside, below and above the 95 % interval of chi-square with 6 degrees of freedom (a "
    "single camera's with one scale per run), and its mean over the degrees of freedom, which is "
    "1 where the covariance is right, more where it is too small. Claimed and actual errors are "
    "medians. Where the ground truth's own noise is not far below them, the figures say nothing."
)
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
        "NAME@max_keypoints=N,min_similarity=X",
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
    parser.add_argument(
        "--stages", action="store_true",
        help="every run frame to frame, against keyframes, and with bundle adjustment: a column "
        "of one table each",
    )  # fmt: skip
    _add_settings(parser)
    add_options(parser, "odometry", OdometryConfig, without=("sensor", "seed"))
    add_options(parser, "stereo", StereoConfig)


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
        "--detection-threshold", type=float, default=0.2, metavar="X", help="of ALIKED and ALIKE"
    )


def run(options: argparse.Namespace) -> int:
    """Write report.md, report.json, bars.png and a picture of the paths per sequence into DIR."""
    from aliked_ros.evaluation.odometry.table import tabulate

    require_plots("odometry")
    require("evo", extra="evaluation", feature="evaluate odometry")
    if options.seeds < 1 or (options.max_frames is not None and options.max_frames < 3):
        raise ValueError(
            f"--seeds {options.seeds} --max-frames {options.max_frames}: "
            "at least one seed and three frames are needed"
        )
    jobs = _plan(options)
    runs = _perform(jobs, options)
    rows = tabulate(runs)
    report = {"rows": [row.as_json() for row in rows], "runs": runs}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = _text(rows, runs, options.seeds)
    (options.out / "report.md").write_text(text, encoding="utf-8")
    _draw(options.out, [spec for spec, _ in jobs], runs, rows)
    print(text)
    print(f"written: {options.out}")
    return 0


def _text(rows: list[Row], runs: list[dict[str, Any]], num_seeds: int) -> str:
    """Return report.md: stages side by side where there are any, all figures, the covariance."""
    from aliked_ros.evaluation.odometry.table import COVARIANCE_COLUMNS, markdown, stage_table
    from aliked_ros.evaluation.odometry.truth_noise import statements

    parts = [f"# Odometry: {num_seeds} seeds, median (minimum..maximum)"]
    if any(run["stage"] for run in runs):
        parts += ["## What each stage adds", stage_table(rows)]
    parts += ["## Accuracy", markdown(rows)]
    judged = [row for row in rows if row.figures["motions"] is not None]
    if judged:
        layouts = {run["sequence"]: run["layout"] for run in runs if run.get("consistency")}
        parts += [
            "## Covariance",
            _ABOUT_COVARIANCE,
            markdown(judged, COVARIANCE_COLUMNS),
            "\n".join(f"- {line}" for line in statements(layouts)),
        ]
    return "\n\n".join(parts) + "\n"


def _plan(options: argparse.Namespace) -> list[Job]:
    """Return every run; those that read the same frames and features follow each other.

    Raises:
        ValueError: if a sequence cannot be served, before anything is computed.
    """
    from aliked_ros.cli.sequence_options import say
    from aliked_ros.datasets import open_sequence
    from aliked_ros.datasets.doubts import find_doubts
    from aliked_ros.evaluation.odometry.feature_choice import FeatureChoice
    from aliked_ros.evaluation.odometry.run_spec import RunSpec
    from aliked_ros.evaluation.odometry.stages import ALL, STAGES, staged

    stages = STAGES if options.stages else (ALL,)
    features = [FeatureChoice.parse(text, options.max_keypoints) for text in options.features]
    odometry = config_from(options, "odometry", OdometryConfig)
    common = {
        "stereo": config_from(options, "stereo", StereoConfig),
        "max_frames": options.max_frames,
        "rpe_frames": options.rpe_frames,
        "disturbance_seed": options.disturb_seed,
        "is_pairs": options.pairs,
        "detection_threshold": options.detection_threshold,
    }
    jobs = []
    for path in options.sequences:
        sequence = open_sequence(path)
        sequence.require_camera()
        say([*sequence.remarks, *find_doubts(sequence, sequence.best_sensor)])
        sensors = _sensors(sequence, options.sensors)
        kinds = product(sensors, options.disturb, features, stages, range(options.seeds))
        for sensor, disturbance, feature, stage, seed in kinds:
            if disturbance == "depth_holes" and sensor != "rgbd":
                continue
            config = staged(replace(odometry, sensor=sensor, seed=seed), stage)
            spec = RunSpec(
                path, sensor, feature, disturbance, odometry=config, stage=stage, **common
            )
            jobs.append((spec, sequence))
    if not jobs:
        raise ValueError("nothing to run: depth_holes needs a sequence with depth images")
    return jobs


def _sensors(sequence: Sequence, asked: list[str] | None) -> list[str]:
    """Return the asked sensors that a sequence serves, or the one that measures most."""
    if asked is None:
        return [sequence.best_sensor]
    found = [sensor for sensor in asked if sensor in sequence.sensors]
    if not found:
        sequence.require(asked[0])
    return found


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
                extract = open_extractor(spec.feature.method, spec.feature.max_keypoints)
                make_tracker = partial(_make_tracker, extract)
                odometry_runs.perform_runs(missing, sequence, extract, make_tracker, out, on_frame)
            # Dropped frames and finished runs count as done, too.
            progress.update(done + sum(map(_num_frames, group)) - progress.n)
            runs += [load_run(spec, out) or {} for spec, _ in group]
    return runs


def _open_extractor(options: argparse.Namespace, name: str, max_keypoints: int) -> CachedExtractor:
    from aliked_ros.evaluation.methods.cache import CachedExtractor
    from aliked_ros.evaluation.methods.door import open_method
    from aliked_ros.evaluation.methods.method import Budget

    method = open_method(name, Budget(max_keypoints, options.detection_threshold, options.device))
    folder = (options.cache or options.out / "features") / method.identity
    return CachedExtractor(method.extract, folder, time.perf_counter)


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


def _draw(out: Path, specs: list[RunSpec], runs: list[dict[str, Any]], rows: list[Any]) -> None:
    """Write bars.png, and for each sequence, sensor and disturbance the paths of the first seed."""
    import numpy as np

    from aliked_ros.datasets.image_files import write_image
    from aliked_ros.evaluation.odometry.plots import plot_bars, plot_paths

    bars = plot_bars(rows)
    if bars is not None:
        write_image(out / "bars.png", bars)
    paths: dict[str, dict[str, Any]] = {}
    truths: dict[str, Any] = {}
    for spec, figures in zip(specs, runs, strict=True):
        aligned = spec.folder(out / "runs") / "aligned.npz"
        if spec.odometry.seed != 0 or not figures.get("score") or not aligned.is_file():
            continue
        name = f"{figures['sequence']}-{spec.sensor}-{spec.disturbance}"
        with np.load(aligned) as stored:
            label = f"{spec.feature.label} {spec.stage}".rstrip()
            paths.setdefault(name, {})[label] = stored["positions_m"]
            longest = truths.get(name, np.zeros((0, 3)))
            truths[name] = max(longest, stored["reference_m"], key=len)
    for name, paths_m in paths.items():
        write_image(out / f"paths-{name}.png", plot_paths(name, truths[name], paths_m))
