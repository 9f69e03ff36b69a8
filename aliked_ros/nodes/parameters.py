"""A config dataclass as ROS parameters: declared, read, validated, and changed while running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, fields, replace
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from aliked_ros.config import Config

AnyConfig = TypeVar("AnyConfig", bound=Config)
_UNBOUNDED = 1e9


class ConfigParameters(Generic[AnyConfig]):
    """The parameters `PREFIX.FIELD` of a node, one for each field of a config.

    With an empty prefix they are called `FIELD`. Fields named in `live` may be set while the node
    runs; `value` is then a new config and `on_change` is called with it. All others are read-only.

    Raises:
        ValueError: if a value given at start is not allowed.
    """

    def __init__(
        self,
        node: Node,
        config_type: type[AnyConfig],
        prefix: str,
        live: tuple[str, ...] = (),
        on_change: Callable[[AnyConfig], None] | None = None,
    ) -> None:
        self._on_change = on_change
        self._fields: dict[str, str] = {}  # name of a parameter -> field
        values = {}
        for item in fields(config_type):
            name = f"{prefix}.{item.name}" if prefix else item.name
            self._fields[name] = item.name
            values[item.name] = declare(
                node, name, item.default, _descriptor(item, read_only=item.name not in live)
            )
        self.value: AnyConfig = config_type(**values)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    def _changed(self, parameters: list[Parameter]) -> AnyConfig:
        changes = {
            self._fields[parameter.name]: parameter.value
            for parameter in parameters
            if parameter.name in self._fields
        }
        return replace(self.value, **changes) if changes else self.value

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            self._changed(parameters)
        except (TypeError, ValueError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, parameters: list[Parameter]) -> None:
        changed = self._changed(parameters)
        if changed == self.value:
            return
        self.value = changed
        if self._on_change is not None:
            self._on_change(changed)


def declare(node: Node, name: str, default: Any, about: str | ParameterDescriptor) -> Any:
    """Declare a parameter and return its value; `about` is its descriptor or just its text.

    A float parameter also takes an integer, as in `rate: 1`.

    Raises:
        ValueError: if the value given at start has another type.
    """
    descriptor: Any = about
    if isinstance(about, str):
        descriptor = ParameterDescriptor(description=about, read_only=True)
    # rclpy refuses 1 for a double; with dynamic typing the check of the type is ours.
    descriptor.dynamic_typing = isinstance(default, float)
    value = node.declare_parameter(name, default, descriptor).value
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"parameter {name} is {value!r}: give a number")
        return float(value)
    return value


def _descriptor(item: Field[Any], read_only: bool) -> ParameterDescriptor:
    """Describe a field, its allowed values and its range."""
    limits = item.metadata
    text = limits["description"]
    if limits["choices"]:
        text += f" ({' | '.join(limits['choices'])})"
    descriptor = ParameterDescriptor(description=text, read_only=read_only)
    low, high = limits["minimum"], limits["maximum"]
    if low is None and high is None:
        return descriptor
    low = -_UNBOUNDED if low is None else low
    high = _UNBOUNDED if high is None else high
    if isinstance(item.default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(low), to_value=float(high))
        ]
    else:
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    return descriptor
