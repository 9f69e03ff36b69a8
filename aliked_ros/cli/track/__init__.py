"""track: a sequence -> its trajectory, scored where there is ground truth."""

from __future__ import annotations

import argparse
import sys
import time  # noqa: TID251 - a command measures how long its steps take
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.cli.progress import progress_bar
from aliked_ros.config import (
    SENSORS,
    ExtractorConfig,
    MatcherConfig,
    OdometryConfig,
    StereoConfig,
)

if TYPE_CHECKING:
    from aliked_ros.cli.track.strip import TrackStrip
    from aliked_ros.cli.track.tracked import Configs, TrackRun
    from aliked_ros.datasets import FrameError, Sequence
    from aliked_ros.extractor import Extractor
    from aliked_ros.odometry.pipeline import FramePipeline

DESCRIPTION = "Track the camera through a sequence and score its trajectory."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "sequence",
        metavar="SEQUENCE",
        help="folder, video or rosbag2 (KITTI odometry, TUM RGB-D, EuRoC, 7-Scenes, images); "
        "'synthetic' or 'synthetic:SEED' is a rendered room",
    )
    parser.add_argument("--sensor", choices=SENSORS, help="default: the one that measures most")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument(
        "--camera-info",
        type=Path,
        metavar="FILE",
        help="calibration (ROS camera_calibration YAML) in place of the sequence's own",
    )
    parser.add_argument("--layout", default="auto", help="layout, if it is taken for another one")
    parser.add_argument("--rate", type=float, default=0.0, metavar="HZ", help="if it has no stamps")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="first frame")
    parser.add_argument("--limit", type=int, metavar="N", help="at most this many frames")
    add_options(parser, "extractor", ExtractorConfig, short=True)
    add_options(parser, "matcher", MatcherConfig)
    add_options(parser, "odometry", OdometryConfig, short=("seed",), without=("sensor",))
    add_options(parser, "stereo", StereoConfig)


def run(options: argparse.Namespace) -> int:
    """Write trajectory.txt, report.json, trajectory.png and tracks.png into DIR."""
    from aliked_ros.cli.track.outputs import write_outputs
    from aliked_ros.cli.track.strip import TrackStrip
    from aliked_ros.cli.track.tracked import TrackRun
    from aliked_ros.datasets import open_sequence
    from aliked_ros.extractor import Extractor

    configs = _configs(options)
    sequence = open_sequence(
        options.sequence, options.camera_info, options.layout, rate_hz=options.rate
    )
    sensor = options.sensor or sequence.best_sensor
    sequence.require(sensor)
    configs = replace(configs, odometry=replace(configs.odometry, sensor=sensor))
    count = _num_frames(options, len(sequence))
    extractor = Extractor(configs.extractor)
    pipeline = _build(sequence, extractor, configs)
    tracked, strip = TrackRun(extractor.weights_id), TrackStrip(count)
    window = (options.start, count)
    _track(sequence, sensor, window, pipeline, tracked, strip)
    if not tracked.records:
        raise ValueError(f"no frame of {sequence.name} could be read: {tracked.errors[0]}")
    summary = write_outputs(options.out, sequence, configs, tracked)
    strip.save(options.out / "tracks.png")
    print(summary)
    return 0


def _configs(options: argparse.Namespace) -> Configs:
    from aliked_ros.cli.track.tracked import Configs

    return Configs(
        config_from(options, "extractor", ExtractorConfig),
        config_from(options, "matcher", MatcherConfig),
        config_from(options, "odometry", OdometryConfig),
        config_from(options, "stereo", StereoConfig),
    )


def _num_frames(options: argparse.Namespace, length: int) -> int:
    """Return how many frames are asked for."""
    left = length - options.start
    count = left if options.limit is None else min(left, options.limit)
    if options.start < 0 or count < 1:
        raise ValueError(
            f"--start {options.start} --limit {options.limit} leave no frame: "
            f"the sequence has {length}"
        )
    return int(count)


def _build(sequence: Sequence, extractor: Extractor, configs: Configs) -> FramePipeline:
    """Return the pipeline for a sequence."""
    from aliked_ros.odometry.pipeline import FramePipeline
    from aliked_ros.odometry.rig import make_rig
    from aliked_ros.odometry.visual_odometry import VisualOdometry

    rig = make_rig(
        configs.odometry.sensor,
        sequence.require_camera(),
        sequence.right_camera,
        sequence.T_left_right,
        configs.stereo,
    )
    odometry = VisualOdometry(configs.odometry, configs.matcher, rig.camera, rig.right_camera)
    return FramePipeline(rig, odometry, time.perf_counter, extractor)


def _track(
    sequence: Sequence,
    sensor: str,
    window: tuple[int, int],
    pipeline: FramePipeline,
    tracked: TrackRun,
    strip: TrackStrip,
) -> None:
    """Run the pipeline over (start, count) frames with a progress bar."""
    from aliked_ros.evaluation.odometry.records import FrameRecord

    start, count = window
    title = f"{sequence.name} {sensor}"
    with progress_bar(total=count, desc=title, unit="frame") as progress:

        def skip(error: FrameError) -> None:
            tracked.errors.append(error)
            progress.write(f"skipped: {error}", file=sys.stderr)
            progress.update()

        started_s = time.perf_counter()
        for frame in sequence.frames(sensor, start=start, limit=count, on_error=skip):
            read_ms = (time.perf_counter() - started_s) * 1e3
            processed = pipeline.process(frame)
            result = processed.result
            total_ms = (time.perf_counter() - started_s) * 1e3
            latencies_ms = {"read": read_ms, **processed.stages_ms, "total": total_ms}
            tracked.records.append(FrameRecord.of(result, latencies_ms))
            strip.add(frame.image, result)
            shown = f"{result.state.value}, {result.num_inliers} inliers"
            progress.set_postfix_str(shown, refresh=False)
            progress.update()
            started_s = time.perf_counter()
