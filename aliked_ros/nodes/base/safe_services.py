"""Services that answer whatever happens: who calls must not wait for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from aliked_ros.nodes.base.causes import Causes
from aliked_ros.nodes.base.errors import explain


def answer_always(node: Node) -> None:
    """Let all services that a node has answer also where their callback raises.

    rclpy answers nothing then, and the error ends whoever spins: an invalid transition of a managed
    node is enough (ros2/rclpy#1209). The answer is the empty one, whose `success` is false.
    """
    causes = Causes(lambda text: node.get_logger().error(text))
    for service in node.services:
        service.callback = _answering(causes, service.callback, service.srv_name)


def _answering(
    causes: Causes, callback: Callable[[Any, Any], Any], name: str
) -> Callable[[Any, Any], Any]:
    def respond(request: Any, response: Any) -> Any:
        try:
            return callback(request, response)
        except Exception as error:
            causes.note(name, f"{name}: {explain(error)}")
            return type(response)()

    return respond
