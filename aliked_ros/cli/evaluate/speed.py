"""evaluate speed: frames per second of each method, and the descriptor stage alone."""

from __future__ import annotations

import argparse
import time  # noqa: TID251 - a command measures how long its steps take
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aliked_ros.cli.evaluate.method_options import add_options, measure_speed
from aliked_ros.cli.evaluate.publishing import publish, require_plots

if TYPE_CHECKING:
    from aliked_ros.evaluation.reports.report import Report, Table

DESCRIPTION = "Frames per second, and ALIKE's dense descriptors against SDDH's sparse ones."

_COUNTS = "500,1000,2000,3000,4000,5000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a photograph, resized to VGA")
    parser.add_argument("--repeats", type=int, default=10, metavar="N", help="best of (10)")
    parser.add_argument(
        "--counts", default=_COUNTS, metavar="A,B,...", help=f"keypoints described ({_COUNTS})"
    )
    add_options(parser, max_keypoints=1000)


def run(options: argparse.Namespace) -> int:
    """Write speed.md, speed.json and the plot into DIR."""
    return publish(evaluate(options), options.out)


def evaluate(options: argparse.Namespace) -> Report:
    """Return the report of a run."""
    from aliked_ros.datasets.image_files import read_rgb
    from aliked_ros.evaluation.methods.descriptor_stage import RIVALS, time_stages
    from aliked_ros.evaluation.reports.charts import Panel, plot_curves
    from aliked_ros.evaluation.reports.report import Report
    from aliked_ros.extractor import pick_device

    require_plots("speed")
    image = read_rgb(options.image)
    speed = measure_speed(image, options, options.repeats)
    counts = [int(count) for count in options.counts.split(",")]
    device = pick_device(options.device)
    stages = time_stages(image, counts, device, options.repeats, time.perf_counter)
    rows = {name: [1e3 * seconds for seconds in times] for name, times in stages.items()}
    about = (
        "640x480, best of several turns, from the image in memory to the features in memory, 1000 "
        "keypoints; ALIKED as this package runs it, ALIKE by plain torch. GFLOPs are giga "
        "multiply-adds: counted (convolutions and matrix products) and as published (batch norm "
        "and interpolation too). The published frames per second were measured on an RTX 2060."
    )
    panels = [
        Panel(f"{dense} and {sparse}", "keypoints", "descriptor stage [ms]", counts, {
            name.replace(f", {dense}", "").replace(f", {sparse}", ""): times
            for name, times in rows.items() if name.split(", ")[1] in (dense, sparse)
        })
        for sparse, dense in RIVALS.items()
    ]  # fmt: skip
    return Report(
        "speed",
        "Speed",
        about,
        [_speed_table(speed), _stage_table(rows, counts)],
        {"frames_per_second": speed, "keypoints": counts, "descriptor_stage_ms": rows},
        {"speed_descriptors": plot_curves("Descriptor stage, 640x480", panels, None)},
    )


def _speed_table(speed: dict[str, float]) -> Table:
    from aliked_ros.evaluation.methods import timing
    from aliked_ros.evaluation.methods.complexity import PUBLISHED_GMACS, giga_multiply_adds
    from aliked_ros.evaluation.reports.published import FRAMES_PER_SECOND
    from aliked_ros.evaluation.reports.report import Table

    size, count = timing.IMAGE_SIZE, timing.NUM_KEYPOINTS
    columns = ("method", "ms", "FPS", "GFLOPs", "published GFLOPs", "published FPS")
    rows: list[list[Any]] = [
        [name, 1e3 / fps, fps, giga_multiply_adds(name, size, count), PUBLISHED_GMACS.get(name),
         FRAMES_PER_SECOND.get(name)]
        for name, fps in speed.items()
    ]  # fmt: skip
    return Table("Whole extraction", columns, rows, {"GFLOPs": 2, "published GFLOPs": 2})


def _stage_table(rows_ms: dict[str, list[float]], counts: list[int]) -> Table:
    from aliked_ros.evaluation.methods import timing
    from aliked_ros.evaluation.methods.descriptor_stage import RIVALS, stage_gmacs
    from aliked_ros.evaluation.reports.report import Table

    columns = ("milliseconds", *(f"{count} keypoints" for count in counts), "GFLOPs at 1000")
    rows: list[list[Any]] = []
    for name, times in rows_ms.items():
        rows.append([name, *times, stage_gmacs(name, timing.IMAGE_SIZE, 1000)])
        rival = RIVALS.get(name.split(", ")[1])
        if rival:
            dense = rows_ms[f"dense head, {rival}"]
            ratios = [slow / fast for slow, fast in zip(dense, times, strict=True)]
            rows.append([f"dense head takes ... times as long as {name}", *ratios, None])
    note = (
        "From the four levels of the encoder to descriptors. The paper claims that SDDH takes less "
        "than half of the time of a dense head."
    )
    decimals = dict.fromkeys(columns[1:-1], 1) | {"GFLOPs at 1000": 2}
    return Table("Descriptor stage alone", columns, rows, decimals, note)
