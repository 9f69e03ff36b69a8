"""Parameters of a real node in a context of its own: nothing is started."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from aliked_ros.config import Config, OdometryConfig, StereoConfig, knob
from aliked_ros.config.nodes import StreamConfig
from aliked_ros.nodes.base.parameters import LiveConfig

NODES = Path(__file__).parents[4] / "aliked_ros" / "nodes"


@dataclass(frozen=True)
class Example(Config):
    rate_hz: float = knob(2.0, "a number with a lower end", minimum=0.0, is_live=True)
    count: int = knob(3, "a number within a range", minimum=1, maximum=9, is_live=True)
    kind: str = knob("a", "one of two words", choices=("a", "b"))
    is_on: bool = knob(False, "a switch of something")


def read_config(node, config_type, prefix=""):
    """Return what the parameters of a config say at the start."""
    return LiveConfig(node, config_type, prefix).value


@pytest.fixture
def make_node():
    context = Context()
    context.init()
    nodes = []

    def make(**given):
        overrides = [Parameter(name.replace("__", "."), value=v) for name, v in given.items()]
        nodes.append(
            Node(
                "parameters",
                context=context,
                parameter_overrides=overrides,
                start_parameter_services=False,
                enable_rosout=False,
            )
        )
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    context.shutdown()


def test_what_is_not_given_has_its_default_and_what_is_given_counts(make_node):
    assert read_config(make_node(), Example) == Example()
    node = make_node(x__rate_hz=1, x__count=5, x__kind="b", x__is_on=True)
    assert read_config(node, Example, "x") == Example(1.0, 5, "b", True)
    assert isinstance(node.get_parameter("x.count").value, int)


def test_parameters_say_their_type_range_and_choices(make_node):
    node = make_node()
    read_config(node, Example, "x")
    rate, count, kind, is_on = (
        node.describe_parameter(f"x.{name}") for name in ("rate_hz", "count", "kind", "is_on")
    )
    assert rate.floating_point_range[0].from_value == 0.0
    assert rate.floating_point_range[0].to_value > 1e300
    assert (count.integer_range[0].from_value, count.integer_range[0].to_value) == (1, 9)
    assert kind.description == "one of two words (a, b)"
    assert is_on.description == "a switch of something"
    types = [one.type for one in (rate, count, kind, is_on)]
    assert types == [
        kind.value
        for kind in (
            Parameter.Type.DOUBLE,
            Parameter.Type.INTEGER,
            Parameter.Type.STRING,
            Parameter.Type.BOOL,
        )
    ]
    assert not any(one.read_only for one in (rate, count, kind, is_on))
    assert count.additional_constraints == "may be set at any time"
    assert kind.additional_constraints == ("one of: a, b; takes effect when the node is configured")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"x__rate_hz": -1.0}, "x.rate_hz is -1.0: must be at least 0.0"),
        ({"x__rate_hz": float("nan")}, "x.rate_hz is nan: must be a finite number"),
        ({"x__rate_hz": "fast"}, "x.rate_hz is 'fast': must be a finite number"),
        ({"x__count": 10}, "x.count is 10: must be at most 9"),
        ({"x__count": 1.5}, "x.count is 1.5: must be of type int"),
        ({"x__kind": "c"}, "x.kind is 'c': must be one of a, b"),
        ({"x__is_on": 1}, "x.is_on is 1: must be of type bool"),
    ],
)
def test_a_bad_value_at_the_start_is_refused_by_name_value_and_remedy(make_node, given, text):
    with pytest.raises(ValueError, match="x") as caught:
        read_config(make_node(**given), Example, "x")
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("config_type", "prefix", "given", "text"),
    [
        (StreamConfig, "", {"max_rate": 5.0}, "max_rate is 5.0: it is called max_rate_hz now"),
        (
            OdometryConfig,
            "odometry",
            {"odometry__mono_window_size": 8},
            "odometry.mono_window_size is 8: it is called odometry.window_size now",
        ),
        (
            OdometryConfig,
            "odometry",
            {"odometry__max_per_cell": 0},
            "odometry.max_per_cell is 0: it is gone, leave it out",
        ),
        (
            StereoConfig,
            "stereo",
            {"stereo__min_margin": 0.1},
            "stereo.min_margin is 0.1: it is gone, leave it out",
        ),
    ],
)
def test_an_old_name_is_refused_with_what_to_do(make_node, config_type, prefix, given, text):
    with pytest.raises(ValueError, match="parameter") as caught:
        read_config(make_node(**given), config_type, prefix)
    assert str(caught.value) == f"parameter {text}"


def test_old_names_are_no_parameters(make_node):
    node = make_node()
    read_config(node, StreamConfig)
    assert not node.has_parameter("max_rate")


def set_parameter(node, name, value):
    return node.set_parameters([Parameter(name, value=value)])[0]


def test_a_live_field_changes_the_config_and_bad_values_leave_it(make_node):
    node, changes = make_node(), []
    live = LiveConfig(node, Example, "x", changes.append)
    assert set_parameter(node, "x.count", 7).successful
    assert live.value == Example(count=7)
    assert changes == [live.value]
    assert set_parameter(node, "x.rate_hz", 1).successful  # a whole number is a number

    for name, value in (("x.kind", "c"), ("x.count", 0), ("x.rate_hz", float("nan"))):
        refused = set_parameter(node, name, value)
        assert not refused.successful
        assert str(value) in refused.reason
    refused = set_parameter(node, "x.is_on", True)
    assert not refused.successful
    assert "x.is_on is False and takes effect only when the node is configured" in refused.reason
    assert "ros2 lifecycle set /parameters deactivate" in refused.reason
    assert set_parameter(node, "x.is_on", False).successful  # it is that already
    assert live.value == Example(count=7, rate_hz=1.0)
    assert len(changes) == 2


def test_other_fields_may_be_set_while_the_node_is_not_configured(make_node):
    node, is_fixed = make_node(), [False]
    live = LiveConfig(node, Example, "x", is_fixed=lambda: is_fixed[0])
    assert set_parameter(node, "x.kind", "b").successful
    assert live.value == Example(kind="b")
    is_fixed[0] = True
    assert not set_parameter(node, "x.kind", "a").successful
    assert live.value == Example(kind="b")


def test_several_fields_are_set_together_or_not_at_all(make_node):
    node = make_node()
    live = LiveConfig(node, Example, "x")
    good, bad = Parameter("x.count", value=7), Parameter("x.rate_hz", value=-1.0)
    assert not node.set_parameters_atomically([good, bad]).successful
    assert live.value == Example()
    good, other = Parameter("x.count", value=7), Parameter("x.rate_hz", value=5.0)
    assert node.set_parameters_atomically([good, other]).successful
    assert live.value == Example(count=7, rate_hz=5.0)


def test_a_value_that_is_set_to_what_it_is_changes_nothing(make_node):
    node, changes = make_node(), []
    LiveConfig(node, Example, "x", changes.append)
    assert set_parameter(node, "x.count", 3).successful
    assert changes == []


def test_parameters_are_declared_in_one_module_and_never_with_a_default_of_their_own():
    for path in NODES.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(call, "func", None), "attr", "")
            if name in {"declare_parameter", "declare_parameters"}:
                assert path.name == "parameters.py", f"{path}:{call.lineno}"
                assert not any(isinstance(one, ast.Constant) for one in call.args[1:])
