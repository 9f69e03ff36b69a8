"""How a dataset is read: words such as depth_scale:=0.001 -> parameters of the player."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import Any

from aliked_ros.config.reading import ReadingConfig

_FIELDS = {item.name: item for item in fields(ReadingConfig)}


def read_dataset_options(given: dict[str, str]) -> dict[str, object]:
    """Return parameter -> value of the argument `dataset_options`.

    Raises:
        ValueError: if there is no dataset, or a word is none of its options, naming it.
    """
    text = given["dataset_options"]
    if not text.strip():
        return {}
    said = f"dataset_options is {text!r}"
    if not given["dataset"]:
        raise ValueError(f"{said} and dataset is empty: give a dataset, or leave it out")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{said}: {error}; give 'NAME:=VALUE NAME:=VALUE'") from None
    values: dict[str, object] = {}
    for word in words:
        name, sign, value = word.partition(":=")
        if not sign or name not in _FIELDS:
            raise ValueError(
                f"{said} and has {word!r}: give NAME:=VALUE of {', '.join(_FIELDS)}, split by "
                "spaces"
            )
        values[name] = _converted(name, value)
    ReadingConfig(**values)  # type: ignore[arg-type]  # it checks them
    return {f"read.{name}": value for name, value in values.items()}


def _converted(name: str, value: str) -> object:
    """Return a value in the type of its parameter."""
    kind: Any = type(_FIELDS[name].default)
    if kind is str:
        return value
    try:
        return kind(value)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise ValueError(f"dataset_options: {name} is {value!r}: give {what}") from None
