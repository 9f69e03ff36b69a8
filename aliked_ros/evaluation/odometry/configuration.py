"""Which configurations of the odometry an evaluation compares, by name."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from aliked_ros.config import OdometryConfig

_SET_ELSEWHERE = ("sensor", "seed")  # each run has its own
_KNOBS = {knob.name: knob for knob in fields(OdometryConfig) if knob.name not in _SET_ELSEWHERE}


@dataclass(frozen=True)
class Configuration:
    """A name, and the knobs that differ from what all configurations have in common.

    Attributes:
        name: names it in tables; empty where there is nothing to tell it from.
        knobs: names and values of OdometryConfig.
    """

    name: str = ""
    knobs: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Configuration:
        """Return the configuration of "NAME" or "NAME@KNOB=VALUE,...".

        Raises:
            ValueError: naming what is wrong.
        """
        name, _, assignments = text.partition("@")
        if not name:
            raise ValueError(f"configuration {text!r} has no name: write NAME@KNOB=VALUE,...")
        try:
            knobs = tuple(_read(assignment) for assignment in filter(None, assignments.split(",")))
            replace(OdometryConfig(), **dict(knobs))  # checks the values
        except ValueError as error:
            raise ValueError(f"configuration {text!r}: {error}") from None
        return cls(name, knobs)

    def of(self, common: OdometryConfig) -> OdometryConfig:
        """Return what the odometry gets."""
        return replace(common, **dict(self.knobs))


def _read(assignment: str) -> tuple[str, Any]:
    """Return name and value of "KNOB=VALUE"."""
    name, _, value = assignment.partition("=")
    name = name.strip().replace("-", "_")
    if name not in _KNOBS:
        raise ValueError(f"{assignment!r}: the knobs are {', '.join(_KNOBS)}")
    kind: type = type(_KNOBS[name].default)
    try:
        return name, kind(value)
    except ValueError:
        raise ValueError(f"{assignment!r}: {name} takes a value of type {kind.__name__}") from None
