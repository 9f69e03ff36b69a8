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
    tuple: Parameter.Type.STRING_ARRAY,
}
# What a range without an end says; tools that show ranges hold integers of 32 bits.
_LARGEST = {int: 2**31 - 1, float: sys.float_info.max}


class LiveConfig(Generic[AnyConfig]):
    """The parameters of a config, one per field.

    Live knobs may be set at any time. The others may be set as long as the node is not configured:
    they take effect when it is.

    Args:
        node: gets the parameters.
        config_type: the config.
        prefix: parameters are called `PREFIX.FIELD`; empty: `FIELD`.
        on_change: called with the new config after a change.
        is_fixed: whether only live knobs may be set now.

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
        on_change: Callable[[AnyConfig], None] = lambda _: None,
        is_fixed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._node = node
        self._prefix = prefix
        self._on_change = on_change
        self._is_fixed = is_fixed
        self._fields = {_name(prefix, item.name): item.name for item in fields(config_type)}
        self._fixed = {
            name: item.name
            for name, item in zip(self._fields, fields(config_type), strict=True)
            if not item.metadata["is_live"]
        }
        self.value: AnyConfig = _declare(node, config_type, prefix)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    def _changed(self, parameters: list[Parameter]) -> AnyConfig:
        changes = {
            self._fields[parameter.name]: _as_field(parameter.value)
            for parameter in parameters
            if parameter.name in self._fields
        }
        return replace(self.value, **changes) if changes else self.value

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            changed = self._changed(parameters)
            self._check_is_live(changed)
        except (TypeError, ValueError) as error:
            reason = _in_parameters(error, type(self.value), self._prefix)
            return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    def _check_is_live(self, changed: AnyConfig) -> None:
        """Raise ValueError if a field would change that may not now."""
        if not self._is_fixed():
            return
        for name, field in self._fixed.items():
            if getattr(changed, field) != getattr(self.value, field):
                node_name = self._node.get_fully_qualified_name()
                raise ValueError(
                    f"{name} is {getattr(self.value, field)!r} and takes effect only when the node "
                    f"is configured: ros2 lifecycle set {node_name} deactivate, then cleanup; set "
                    "it; then configure and activate"
                )

    def _apply(self, parameters: list[Parameter]) -> None:
        changed = self._changed(parameters)
        if changed != self.value:
            self.value = changed
            self._on_change(changed)


def _declare(node: Node, config_type: type[AnyConfig], prefix: str) -> AnyConfig:
    """Declare the parameters of a config; return what they say.

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
        node.set_descriptor(names[item.name], _descriptor(item))
    return config


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
    as_ros = list(default) if isinstance(default, tuple) else default
    value = node.declare_parameter(name, as_ros, ParameterDescriptor(dynamic_typing=True)).value
    if isinstance(default, tuple):
        return _as_field(value)
    # Where numbers are read from YAML, 1 is an integer.
    return float(value) if isinstance(default, float) and type(value) is int else value


def _as_field(value: Any) -> Any:
    """Return the value of a parameter as a config has it: lists of strings are tuples there."""
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return value
    return tuple(value)


def _build(config_type: type[AnyConfig], prefix: str, values: dict[str, Any]) -> AnyConfig:
    try:
        return config_type(**values)
    except ValueError as error:
        raise ValueError(_in_parameters(error, config_type, prefix)) from error


def _in_parameters(error: Exception, config_type: type[Config], prefix: str) -> str:
    """Return the text of an error with the names of parameters in place of those of fields."""
    return str(error).replace(f"{config_type.__name__}.", f"{prefix}." if prefix else "")


def _descriptor(item: Field[Any]) -> ParameterDescriptor:
    """Describe a field, its allowed values and its range."""
    limits, kind = item.metadata, type(item.default)
    text = limits["description"]
    if limits["choices"]:
        text += f" ({listed(limits['choices'])})"
    descriptor = ParameterDescriptor(
        type=_TYPES[kind].value,
        description=text,
        additional_constraints=_constraints(limits["choices"], limits["is_live"]),
        # rclpy refuses 1 for a double, and an empty list for one of strings; with dynamic typing
        # the check of the type is ours.
        dynamic_typing=kind in (float, tuple),
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


def _constraints(choices: tuple[str, ...], is_live: bool) -> str:
    when = "may be set at any time" if is_live else "takes effect when the node is configured"
    return f"one of: {listed(choices)}; {when}" if choices else when
