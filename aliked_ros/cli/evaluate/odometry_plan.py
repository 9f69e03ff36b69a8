"""The options of evaluate odometry -> what is run, and what is read from outside."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from aliked_ros.cli.arguments import config_from
from aliked_ros.config import OdometryConfig, StereoConfig

if TYPE_CHECKING:
    from aliked_ros.datasets import Sequence
    from aliked_ros.evaluation.odometry.configuration import Configuration
    from aliked_ros.evaluation.odometry.feature_choice import FeatureChoice
    from aliked_ros.evaluation.odometry.outside import OutsideFile, OutsideRun
    from aliked_ros.evaluation.odometry.run_spec import RunSpec

    Job = tuple[RunSpec, Sequence]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is compared.

    Attributes:
        jobs: our runs; those that read the same frames and features follow each other.
        outside: what other odometries said.
    """

    jobs: list[Job]
    outside: list[OutsideRun]


def plan(options: argparse.Namespace) -> Plan:
    """Return every run.

    Raises:
        ValueError: if something cannot be served, before anything is computed.
    """
    from aliked_ros.cli.sequence_options import say
    from aliked_ros.datasets import open_sequence
    from aliked_ros.datasets.doubts import find_doubts
    from aliked_ros.evaluation.odometry.outside import open_outside

    features, configurations = _features(options), _configurations(options)
    served = []
    for path in options.sequences:
        sequence = open_sequence(path)
        say([*sequence.remarks, *find_doubts(sequence, sequence.best_sensor)])
        sequence.require_camera()
        served.append((path, sequence, _sensors(sequence, options.sensors)))
    jobs = [
        (spec, sequence)
        for path, sequence, sensors in served
        for sensor in sensors
        for spec in _specs(options, path, sensor, features, configurations)
    ]
    if not jobs:
        raise ValueError("nothing to run: depth_holes needs a sequence with depth images")
    with_sensors = [(sequence, sensors) for _, sequence, sensors in served]
    outside = open_outside(_outside_files(options, features), with_sensors, options.max_frames)
    return Plan(jobs, outside)


def _features(options: argparse.Namespace) -> list[FeatureChoice]:
    from aliked_ros.evaluation.odometry.feature_choice import FeatureChoice

    common = options.max_keypoints, options.detection_threshold
    return [FeatureChoice.parse(text, *common) for text in options.features]


def _configurations(options: argparse.Namespace) -> list[Configuration]:
    """Return the named configurations and the stages; where there are none, the one asked for."""
    from aliked_ros.evaluation.odometry.configuration import Configuration
    from aliked_ros.evaluation.odometry.stages import STAGES

    found = [Configuration.parse(text) for text in options.configurations]
    if options.stages:
        found += STAGES
    names = [one.name for one in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"two configurations are called {twice[0]!r}: give them different names")
    return found or [Configuration()]


def _outside_files(options: argparse.Namespace, features: list[FeatureChoice]) -> list[OutsideFile]:
    from aliked_ros.evaluation.odometry.outside import OutsideFile

    files = [OutsideFile.parse(text) for text in options.trajectory]
    for name in {file.name for file in files} & {feature.label for feature in features}:
        raise ValueError(f"trajectory {name}: a feature is called so: give it another name")
    if files and options.pairs:
        raise ValueError("--trajectory cannot be compared with --pairs: leave one of them out")
    return files


def _sensors(sequence: Sequence, asked: list[str] | None) -> list[str]:
    """Return the asked sensors that a sequence serves, or the one that measures most."""
    if asked is None:
        return [sequence.best_sensor]
    found = [sensor for sensor in asked if sensor in sequence.sensors]
    if not found:
        sequence.require(asked[0])
    return found


def _specs(
    options: argparse.Namespace,
    path: str,
    sensor: str,
    features: list[FeatureChoice],
    configurations: list[Configuration],
) -> list[RunSpec]:
    from aliked_ros.evaluation.odometry.run_spec import RunSpec

    common = replace(config_from(options, "odometry", OdometryConfig), sensor=sensor)
    return [
        RunSpec(
            path,
            sensor,
            feature,
            disturbance,
            odometry=replace(configuration.of(common), seed=seed),
            stereo=config_from(options, "stereo", StereoConfig),
            max_frames=options.max_frames,
            rpe_frames=options.rpe_frames,
            disturbance_seed=options.disturb_seed,
            is_pairs=options.pairs,
            configuration=configuration.name,
        )
        for disturbance, feature, configuration, seed in product(
            options.disturb, features, configurations, range(options.seeds)
        )
        if disturbance != "depth_holes" or sensor == "rgbd"
    ]
