"""A config dataclass as ROS parameters: declared, read, validated, and changed while running."""

from __future__ import annotations

import sys
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

from aliked_ros.config.knobs import Config, listed
from aliked_ros.config.old_names import OLD_NAMES

AnyConfig = TypeVar("AnyConfig", bound=Config)
_TYPES = {
    bool: Parameter.Type.BOOL,
    int: Parameter.Type.INTEGER,
    float: Parameter.Type.DOUBLE,
    str: Parameter.Type.STRING,
}
# What a range without an end says; tools that show ranges hold integers of 32 bits.
_LARGEST = {int: 2**31 - 1, float: sys.float_info.max}


def read_config(
    node: Node, config_type: type[AnyConfig], prefix: str = "", live: tuple[str, ...] = ()
) -> AnyConfig:
    """Declare the parameters `PREFIX.FIELD` of a node, one per field; return what they say.

    Args:
        node: gets the parameters; without a prefix they are called `FIELD`.
        config_type: the config.
        prefix: of the names.
        live: fields that may be set while the node runs; all others are read-only.

    Raises:
        ValueError: if a value given at start is not allowed, or is given under an old name.
    """
    names = {item.name: _name(prefix, item.name) for item in fields(config_type)}
    _refuse_old_names(node, prefix, set(names.values()))
    # Whatever was given is taken at first: what is wrong with it the config says best.
    values = {
        item.name: _given(node, names[item.name], item.default) for item in fields(config_type)
    }
    config = _build(config_type, prefix, values)
    for item in fields(config_type):
        node.set_descriptor(names[item.name], _descriptor(item, item.name not in live))
    return config


class LiveConfig(Generic[AnyConfig]):
    """The parameters of a config, some of which may be set while the node runs.

    Args:
        node: gets the parameters.
        config_type: the config.
        prefix: of the names of the parameters.
        live: fields that may be set.
        on_change: called with the new config after a change.

    Attributes:
        value: the config as it is now.

    Raises:
        ValueError: if a value given at start is not allowed, or is given under an old name.
    """

    def __init__(
        self,
        node: Node,
        config_type: type[AnyConfig],
        prefix: str,
        live: tuple[str, ...],
        on_change: Callable[[AnyConfig], None],
    ) -> None:
        self.value: AnyConfig = read_config(node, config_type, prefix, live)
        self._prefix = prefix
        self._fields = {_name(prefix, item.name): item.name for item in fields(config_type)}
        self._on_change = on_change
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
            reason = _in_parameters(error, type(self.value), self._prefix)
            return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    def _apply(self, parameters: list[Parameter]) -> None:
        changed = self._changed(parameters)
        if changed != self.value:
            self.value = changed
            self._on_change(changed)


def _name(prefix: str, field: str) -> str:
    return f"{prefix}.{field}" if prefix else field


def _refuse_old_names(node: Node, prefix: str, names: set[str]) -> None:
    """Raise ValueError if somebody still uses a name that one of these parameters had."""
    for old, new in OLD_NAMES.items():
        if old.rpartition(".")[0] != prefix or (new and new not in names):
            continue
        # Only what is declared can be asked for.
        given = _given(node, old, None)
        node.undeclare_parameter(old)
        if given is not None:
            remedy = f"it is called {new} now" if new else "it is gone, leave it out"
            raise ValueError(f"parameter {old} is {given!r}: {remedy}")


def _given(node: Node, name: str, default: Any) -> Any:
    """Return the value of a parameter that may be of any type yet."""
    value = node.declare_parameter(name, default, ParameterDescriptor(dynamic_typing=True)).value
    # Where numbers are read from YAML, 1 is an integer.
    return float(value) if isinstance(default, float) and type(value) is int else value


def _build(config_type: type[AnyConfig], prefix: str, values: dict[str, Any]) -> AnyConfig:
    try:
        return config_type(**values)
    except ValueError as error:
        raise ValueError(_in_parameters(error, config_type, prefix)) from error


def _in_parameters(error: Exception, config_type: type[Config], prefix: str) -> str:
    """Return the text of an error with the names of parameters in place of those of fields."""
    return str(error).replace(f"{config_type.__name__}.", f"{prefix}." if prefix else "")


def _descriptor(item: Field[Any], read_only: bool) -> ParameterDescriptor:
    """Describe a field, its allowed values and its range."""
    limits, kind = item.metadata, type(item.default)
    text = limits["description"]
    if limits["choices"]:
        text += f" ({listed(limits['choices'])})"
    descriptor = ParameterDescriptor(
        type=_TYPES[kind].value,
        description=text,
        read_only=read_only,
        # rclpy refuses 1 for a double; with dynamic typing the check of the type is ours.
        dynamic_typing=kind is float,
    )
    low, high = limits["minimum"], limits["maximum"]
    if low is None and high is None:
        return descriptor
    largest = _LARGEST[kind]
    low, high = -largest if low is None else low, largest if high is None else high
    if kind is float:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(low), to_value=float(high))
        ]
    else:
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    return descriptor
