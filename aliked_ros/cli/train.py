"""train: ALIKED, or a matcher of its features, from photographs and RGB-D sequences."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time  # noqa: TID251 - the loop measures its own speed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from aliked_ros.training.loop.task import Task
    from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
    from aliked_ros.training.recipe import TrainingConfig

DESCRIPTION = "Train ALIKED or a matcher; resumes the last run in the same folder."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="YAML, as config/train_*.yaml")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another value for a setting of the file; may be given several times",
    )


def run(options: argparse.Namespace) -> int:
    """Train to the end, and print where the weights are."""
    from aliked_ros.training.loop.joining import join
    from aliked_ros.training.loop.trainer import BEST, Trainer

    config = read_config(options.config, options.set)
    with join(config.device) as processes:
        task = _open_task(config)
        trainer = Trainer(task, processes, time.perf_counter)
        if processes.is_first and trainer.stepper.step:
            print(f"train: resuming after step {trainer.stepper.step}", file=sys.stderr)
        best = trainer.run()
        if processes.is_first:
            for reason in sorted(trainer.unreadable):
                print(f"train: skipped {reason}", file=sys.stderr)
            figure = f", {task.best_by} {best[task.best_by]:.1f}" if task.best_by in best else ""
            print(f"{Path(config.out) / BEST}: step {best['step']:.0f}{figure}")
    return 0


def _open_task(config: TrainingConfig | MatcherTrainingConfig) -> Task:
    """Return what is trained, with its pairs."""
    from aliked_ros.training.loop.extractor_task import ExtractorTask
    from aliked_ros.training.loop.matcher_task import MatcherTask
    from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
    from aliked_ros.training.pairs.sources import (
        training_pairs,
        validation_pairs,
        validation_source,
    )

    source, validation = training_pairs(config), validation_pairs(config)
    if isinstance(config, MatcherTrainingConfig):
        if config.validation_sequence:
            return MatcherTask(
                config, source, validation_source(config, config.validation_sequence)
            )
        return MatcherTask(config, source, validation)
    return ExtractorTask(config, source, validation)


def read_config(path: Path, changes: list[str]) -> TrainingConfig | MatcherTrainingConfig:
    """Return the settings of a file, with changes of the form NAME=VALUE.

    `trains: matcher` among them makes it those of a matcher. Environment variables in texts, such
    as $ALIKED_SHARED, are replaced.

    Raises:
        ValueError: naming the file, the setting and what is allowed, or the variable not set.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: a configuration is lines of NAME: VALUE")
    for change in changes:
        name, separator, text = change.partition("=")
        if not separator:
            raise ValueError(f"--set is {change!r}: give NAME=VALUE")
        try:
            found[name.strip()] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"--set is {change!r}: what follows = is not YAML") from error
    kind = _kind(found.pop("trains", "extractor"), path)
    known = kind.__dataclass_fields__
    for name, value in found.items():
        if name not in known:
            raise ValueError(f"{path}: there is no setting {name!r}; there are {', '.join(known)}")
        found[name] = _fitting(value, known[name].default)
        if missing := _missing_variable(found[name]):
            raise ValueError(
                f"{path}: {name} is {value!r}: the environment variable {missing} is not set; "
                f"export it, or give another value with --set {name}=VALUE"
            )
    try:
        return kind(**found)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _kind(name: Any, path: Path) -> type[TrainingConfig] | type[MatcherTrainingConfig]:
    """Return whose settings they are."""
    from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
    from aliked_ros.training.recipe import TrainingConfig

    if name == "extractor":
        return TrainingConfig
    if name == "matcher":
        return MatcherTrainingConfig
    raise ValueError(f"{path}: trains is {name!r}: must be one of extractor, matcher")


def _missing_variable(value: Any) -> str:
    """Return what is left of $NAME or ${NAME} where the environment has no such variable."""
    found = re.search(r"\$(\w+|\{\w+\})", value) if isinstance(value, str) else None
    return found.group(1).strip("{}") if found else ""


def _fitting(value: Any, default: Any) -> Any:
    """Return what YAML read in the type of the setting, where nothing is lost by that."""
    if isinstance(default, str) and isinstance(value, str):
        return os.path.expandvars(value)
    if isinstance(default, float) and not isinstance(value, bool):
        try:
            return float(value)  # YAML takes 1e-3 for a text
        except (TypeError, ValueError):
            return value
    return "" if value is None and isinstance(default, str) else value
