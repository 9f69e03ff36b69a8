"""Parameters that were given and that nobody declared: mostly a typing error."""

from __future__ import annotations

from difflib import get_close_matches

from rclpy.node import Node

from aliked_ros.config.catalogue import all_names

# Names that other parts of ROS read, though no node of ours declares them.
_OTHERS = ("qos_overrides.", "diagnostic_updater.", "bond")


def warn_of_unknown(node: Node) -> None:
    """Say which parameters were given to a node that it does not have, with the nearest name."""
    known = set(node.list_parameters([], 0).names)
    # A file for all nodes, and all nodes of one process, get what belongs to the others, too.
    allowed = known | all_names()
    unknown = sorted(
        name
        for name in node._parameter_overrides
        if name not in allowed and not name.startswith(_OTHERS)
    )
    for name in unknown:
        near = get_close_matches(name, allowed, 1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else "ros2 param list shows those that it has"
        node.get_logger().warning(f"parameter {name} is not one of {node.get_name()}: {remedy}")
