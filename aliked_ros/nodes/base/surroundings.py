"""What is wrong around a node: another one of its name, a clock that does not tick."""

from __future__ import annotations

import time

from rclpy.node import Node

from aliked_ros.nodes.base.diagnostics import Diagnostics

_CLOCK_PATIENCE_S = 5.0


class Surroundings:
    """Looks around before each report, and says what it finds once.

    Args:
        node: the node.
        diagnostics: hears of it.
    """

    def __init__(self, node: Node, diagnostics: Diagnostics) -> None:
        self._node = node
        self._diagnostics = diagnostics
        self._since_s = time.monotonic()

    def look(self) -> None:
        """Look around."""
        self._look_for_twins()
        self._look_at_clock()

    def _look_for_twins(self) -> None:
        own = (self._node.get_name(), self._node.get_namespace())
        num = self._node.get_node_names_and_namespaces().count(own)
        if num > 1:
            self._diagnostics.warn(
                f"{num} nodes are called {self._node.get_fully_qualified_name()}: services and "
                "parameters reach any of them; rename one with -r __node:=NAME or -r __ns:=/NAME",
                "twins",
            )

    def _look_at_clock(self) -> None:
        if not self._node.get_parameter("use_sim_time").value:
            self._since_s = time.monotonic()
            return
        waited_s = time.monotonic() - self._since_s
        if self._node.get_clock().now().nanoseconds == 0 and waited_s > _CLOCK_PATIENCE_S:
            self._diagnostics.warn(
                f"use_sim_time is true and nothing has come on /clock for {waited_s:.0f} s: play "
                "with --clock, start the simulation, or set use_sim_time to false",
                "clock",
            )
