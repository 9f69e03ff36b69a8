"""Config dataclasses <-> command-line options; every default stays in config/."""

from __future__ import annotations

import argparse
from dataclasses import Field, fields
from typing import Any, TypeVar

from aliked_ros.config import Config

AnyConfig = TypeVar("AnyConfig", bound=Config)


def add_options(
    parser: argparse.ArgumentParser,
    section: str,
    config: type[Config],
    *,
    short: bool | tuple[str, ...] = False,
    without: tuple[str, ...] = (),
) -> None:
    """Add an option for each knob of a config.

    Args:
        parser: gets the options, in a group of their own.
        section: name in front, as in --extractor.max-keypoints.
        config: the dataclass of knobs.
        short: whether the knobs, or which of them, also go by their bare names: --max-keypoints.
        without: knobs that get no option, because the command sets them itself.
    """
    group = parser.add_argument_group(f"{section} options")
    for knob in fields(config):
        if knob.name in without:
            continue
        name = knob.name.replace("_", "-")
        is_short = short if isinstance(short, bool) else knob.name in short
        flags = ([f"--{name}"] if is_short else []) + [f"--{section}.{name}"]
        group.add_argument(
            *flags,
            dest=_destination(section, knob.name),
            # Absent options stay absent, so that the config's own default counts.
            default=argparse.SUPPRESS,
            help=_help(knob),
            **_reading(knob),
        )


def config_from(options: argparse.Namespace, section: str, config: type[AnyConfig]) -> AnyConfig:
    """Return the config that the options ask for.

    Raises:
        ValueError: naming the field, the value received and the values allowed.
    """
    given = vars(options)
    return config(
        **{
            knob.name: given[_destination(section, knob.name)]
            for knob in fields(config)
            if _destination(section, knob.name) in given
        }
    )


def _destination(section: str, name: str) -> str:
    return f"{section}.{name}"


def _reading(knob: Field[Any]) -> dict[str, Any]:
    """Return how argparse turns the text into the knob's type."""
    if isinstance(knob.default, bool):
        return {"action": argparse.BooleanOptionalAction}
    reading: dict[str, Any] = {"type": type(knob.default)}
    if knob.metadata["choices"]:
        return reading | {"choices": knob.metadata["choices"]}
    return reading | {"metavar": {int: "N", float: "X"}.get(type(knob.default), "TEXT")}


def _help(knob: Field[Any]) -> str:
    default = repr(knob.default) if knob.default == "" else knob.default
    return f"{knob.metadata['description']} (default: {default})".replace("%", "%%")
