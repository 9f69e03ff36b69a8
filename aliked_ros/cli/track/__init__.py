"""track: a sequence -> its trajectory, scored where there is ground truth."""

from __future__ import annotations

import argparse
import time  # noqa: TID251 - a command measures how long its steps take
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.cli.sequence_options import add_sequence_options, open_with_options, say
from aliked_ros.cli.view_options import add_view_options, leave_open, open_viewer
from aliked_ros.config import (
    SENSORS,
    ExtractorConfig,
    MatcherConfig,
    OdometryConfig,
    StereoConfig,
)

if TYPE_CHECKING:
    from aliked_ros.cli.track.tracked import Configs
    from aliked_ros.datasets import Sequence
    from aliked_ros.extractor import Extractor
    from aliked_ros.odometry.pipeline import FramePipeline
    from aliked_ros.odometry.rig import Rig
    from aliked_ros.view.viewer import Viewer

FIRST_OF_SIGNALS = 128  # exit codes from here on say that the user ended the run
DESCRIPTION = "Track the camera through a sequence and score its trajectory."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "sequence",
        metavar="SEQUENCE",
        help="folder, video or rosbag2 (KITTI odometry or raw, TUM RGB-D, EuRoC, 7-Scenes, "
        "images); 'synthetic' or 'synthetic:SEED' is a rendered room",
    )
    parser.add_argument("--sensor", choices=SENSORS, help="default: the one that measures most")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="first frame")
    parser.add_argument("--limit", type=int, metavar="N", help="at most this many frames")
    add_view_options(parser)
    add_sequence_options(parser)
    add_options(parser, "extractor", ExtractorConfig, short=True)
    add_options(parser, "matcher", MatcherConfig)
    add_options(parser, "odometry", OdometryConfig, short=("seed",), without=("sensor",))
    add_options(parser, "stereo", StereoConfig)


def run(options: argparse.Namespace) -> int:
    """Write trajectory.txt, report.json, trajectory.png and tracks.png into DIR; show the run.

    The trajectory is on disk frame by frame. After Ctrl-C or SIGTERM what there is is scored.

    Returns:
        0, 1 if no frame was tracked, 130 after Ctrl-C, 143 after SIGTERM.
    """
    with open_viewer(options) as viewer:
        exit_code = _track(options, viewer)
        if exit_code < FIRST_OF_SIGNALS:
            leave_open(viewer)
    return exit_code


def _track(options: argparse.Namespace, viewer: Viewer | None) -> int:
    from aliked_ros.cli.track.live_view import LiveView
    from aliked_ros.cli.track.loop import track
    from aliked_ros.cli.track.outputs import TrajectoryFile, write_outputs
    from aliked_ros.cli.track.strip import TrackStrip
    from aliked_ros.cli.track.tracked import TrackRun
    from aliked_ros.datasets.doubts import find_doubts
    from aliked_ros.extractor import Extractor

    configs = _configs(options)
    options.out.mkdir(parents=True, exist_ok=True)
    sequence = open_with_options(options.sequence, options)
    sensor = options.sensor or sequence.best_sensor
    sequence.require(sensor)
    configs = replace(configs, odometry=replace(configs.odometry, sensor=sensor))
    count = _num_frames(options, len(sequence))
    rig = _make_rig(sequence, configs, is_chosen=options.sensor is not None)
    trajectory = TrajectoryFile(options.out)
    remarks = [*sequence.remarks, *find_doubts(sequence, sensor, options.start)]
    say(remarks)
    extractor = Extractor(configs.extractor)
    pipeline = _build(rig, extractor, configs)
    tracked, strip = TrackRun(extractor.weights_id, remarks), TrackStrip(count)
    view = None if viewer is None else LiveView(viewer, rig.camera, pipeline.odometry)
    exit_code = track(sequence, (options.start, count), pipeline, tracked, strip, trajectory, view)
    if not tracked.records and exit_code:
        return exit_code
    if not tracked.records:
        raise ValueError(
            f"none of {count} frames of {sequence.name} could be read: {tracked.errors[0]}"
        )
    summary = write_outputs(options.out, sequence, configs, tracked)
    strip.save(options.out / "tracks.png")
    print(summary)
    return exit_code or (0 if tracked.num_tracked else 1)


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


def _make_rig(sequence: Sequence, configs: Configs, *, is_chosen: bool) -> Rig:
    """Return the cameras of a sequence; say how to go on without a right one that cannot be used.

    Raises:
        ValueError: if the calibration is none of the sensor.
    """
    from aliked_ros.odometry.rig import make_rig

    sensor = configs.odometry.sensor
    camera = sequence.require_camera()
    try:
        return make_rig(
            sensor, camera, sequence.right_camera, sequence.T_left_right, configs.stereo
        )
    except ValueError as error:
        hint = "" if is_chosen or sensor == "mono" else "; or give --sensor mono"
        raise ValueError(f"{sequence.name}: {error}{hint}") from error


def _build(rig: Rig, extractor: Extractor, configs: Configs) -> FramePipeline:
    """Return the pipeline for a sequence."""
    from aliked_ros.odometry.pipeline import FramePipeline
    from aliked_ros.odometry.visual_odometry import VisualOdometry

    odometry = VisualOdometry(configs.odometry, configs.matcher, rig.camera, rig.right_camera)
    return FramePipeline(rig, odometry, time.perf_counter, extractor)
