"""A managed node in a context of its own; its work creates everything that a node can have."""

from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_msgs.msg import String
from std_srvs.srv import Trigger

from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.qos import RESULT_QOS

CYCLE = ("configure", "activate", "deactivate", "cleanup")


@pytest.fixture
def make_node(monkeypatch):
    context = Context()
    context.init()
    nodes = []
    monkeypatch.setattr("rclpy.utilities.get_default_context", lambda **_: context)
    monkeypatch.setattr("rclpy.node.get_default_context", lambda **_: context)

    class Example(ManagedNode):
        """Its work says what is asked of it."""

        problem = None

        def make(self):
            self.create_timer(1.0, lambda: None)
            self.create_publisher(String, "output", 1)
            self.create_service(Trigger, "~/service", lambda _, response: response)
            self.topics.subscribe(String, "input", RESULT_QOS, lambda *_: None)
            self.diagnostics.show("fact", lambda: 1)
            if self.problem is not None:
                raise self.problem
            self.asked = []
            return SimpleNamespace(
                start=lambda: self.asked.append("start"), stop=lambda: self.asked.append("stop")
            )

    def make(**given):
        nodes.append(Example("managed"))
        node = nodes[-1]
        if given:
            node.set_parameters([Parameter(name, value=value) for name, value in given.items()])
        return node

    yield make
    for node in nodes:
        node.destroy_node()
    context.shutdown()


def entities(node):
    kinds = (node.timers, node.publishers, node.services, node.subscriptions, node.clients)
    return [len(list(kind)) for kind in kinds]


def state(node):
    return node._state_machine.current_state[1]


def go(node, *transitions):
    return [getattr(node, f"trigger_{one}")() for one in transitions]


def test_a_node_configures_and_activates_itself(make_node):
    node = make_node()
    node.start_up()
    assert state(node) == "active"
    assert (node.is_active, node.topics.is_open, node.asked) == (True, True, ["start"])


def test_nothing_is_left_of_a_hundred_cycles(make_node, monkeypatch):
    monkeypatch.setattr("gc.collect", lambda: 0)  # slow where a test run has many objects
    node = make_node()
    before = entities(node)
    for _ in range(100):
        assert go(node, *CYCLE) == [TransitionCallbackReturn.SUCCESS] * 4
        assert entities(node) == before
        assert node.work is None
    assert state(node) == "unconfigured"
    go(node, "configure")
    assert [now - then for now, then in zip(entities(node), before, strict=True)] == [1, 1, 1, 0, 0]
    go(node, "activate")
    assert node.asked == ["start"]


@pytest.mark.parametrize("problem", [ValueError("x is 1: give 2"), MemoryError(), KeyError("x")])
def test_a_configuration_that_fails_leaves_nothing_and_the_next_one_works(make_node, problem):
    node = make_node()
    before = entities(node)
    node.problem = problem
    assert go(node, "configure") == [TransitionCallbackReturn.FAILURE]
    assert (state(node), entities(node)) == ("unconfigured", before)
    assert node.failure is problem
    with pytest.raises(type(problem)):
        node.start_up()
    node.problem = None
    node.start_up()
    assert state(node) == "active"


def test_what_is_in_work_ends_before_a_node_is_cleaned_up_or_destroyed(make_node):
    node = make_node()
    node.start_up()
    asked = node.asked
    go(node, "deactivate")
    assert asked == ["start", "stop"]
    assert not node.is_active
    assert not node.topics.is_open
    go(node, "cleanup")
    assert node.diagnostics.counts.num_received == 0
    assert "fact" not in dict(node.diagnostics._values())


def test_a_transition_that_is_none_is_answered_and_ends_nothing(make_node):
    node = make_node()
    (service,) = (one for one in node.services if one.srv_name.endswith("change_state"))
    request = ChangeState.Request()
    request.transition.id = 3  # activate, before it is configured
    response = service.callback(request, ChangeState.Response())
    assert response.success is False
    assert state(node) == "unconfigured"
    node.start_up()
    assert state(node) == "active"


def test_a_node_that_shall_wait_waits(make_node):
    node = make_node()
    node.autostart = False
    node.start_up()
    assert state(node) == "unconfigured"


def test_many_broken_requests_are_answered_and_said_once(make_node, monkeypatch):
    said = []
    monkeypatch.setattr(
        "rclpy.impl.rcutils_logger.RcutilsLogger.error", lambda _, text, **__: said.append(text)
    )
    node = make_node()
    (service,) = (one for one in node.services if one.srv_name.endswith("set_parameters"))
    request = SetParameters.Request(parameters=[ParameterMessage(name="autostart")])
    request.parameters[0].value.type = 200
    for _ in range(50):
        assert service.callback(request, SetParameters.Response()).results == []
    assert len(said) == 1
    assert "200 is not a valid" in said[0]


def test_a_node_that_is_ended_while_it_configures_says_nothing(make_node, monkeypatch):
    said = []
    monkeypatch.setattr(
        "rclpy.impl.rcutils_logger.RcutilsLogger.error", lambda _, text, **__: said.append(text)
    )
    node = make_node()
    node.problem = RuntimeError("context is invalid")
    monkeypatch.setattr(node.context, "ok", lambda: False)
    assert node.on_configure(None) == TransitionCallbackReturn.FAILURE
    assert said == []
