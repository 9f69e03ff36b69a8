"""What a knob is: a field with a default, a description and the values that it allows."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any


def knob(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    may_be_empty: bool = True,
    is_live: bool = False,
) -> Any:
    """Return a dataclass field that knows its description and the values that it allows.

    Args:
        default: bool, int, float, str or tuple of str; its type is the type of the knob.
        description: what it means, with its unit.
        minimum: smallest number allowed.
        maximum: largest number allowed.
        choices: the strings allowed; empty: any.
        may_be_empty: whether a string of nothing but spaces is allowed.
        is_live: whether a node takes another value while it works.
    """
    return field(
        default=default,
        metadata={
            "description": description,
            "minimum": minimum,
            "maximum": maximum,
            "choices": choices,
            "may_be_empty": may_be_empty,
            "is_live": is_live,
        },
    )


@dataclass(frozen=True)
class Config:
    """A frozen dataclass of knobs that checks itself.

    Raises:
        ValueError: naming the field, the value received and the values allowed.
    """

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            problem = _problem(value, item.default, item.metadata)
            if problem:
                raise ValueError(f"{type(self).__name__}.{item.name} is {value!r}: {problem}")


def listed(choices: tuple[str, ...]) -> str:
    """Return the strings that a knob allows as a reader sees them."""
    return ", ".join(choice or "''" for choice in choices)


def _problem(value: Any, default: Any, limits: Any) -> str:
    """Return what is wrong with a value, or an empty string."""
    expected = type(default)
    if expected is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            return "must be a finite number"
    elif type(value) is not expected:
        return f"must be of type {'list' if expected is tuple else expected.__name__}"
    if expected is tuple and not all(isinstance(item, str) for item in value):
        return "must be a list of strings"
    if limits["choices"] and value not in limits["choices"]:
        return f"must be one of {listed(limits['choices'])}"
    if not limits["may_be_empty"] and not value.strip():
        return "must not be empty"
    if limits["minimum"] is not None and value < limits["minimum"]:
        return f"must be at least {limits['minimum']}"
    if limits["maximum"] is not None and value > limits["maximum"]:
        return f"must be at most {limits['maximum']}"
    return ""
