"""The one seam: what a distribution's ROS brings and the wheels from PyPI lack.

Transforms come from tf2_ros or, without it, only from the parameter `camera_transform`.
"""

from __future__ import annotations

from rclpy.node import Node
from rclpy.time import Time

from aliked_ros.nodes.base.conversions.poses import transform_from_message
from aliked_ros.structs import Array

try:
    import tf2_ros
except ImportError:
    tf2_ros = None


class TransformTree:
    """Looks transforms up in /tf and /tf_static.

    Args:
        node: the node that subscribes.
        parameter: what is empty, so that TF is needed.
        remedy: what it may be set to instead.

    Raises:
        ValueError: if this world has no tf2_ros.
    """

    def __init__(self, node: Node, parameter: str, remedy: str) -> None:
        if tf2_ros is None:
            raise ValueError(
                f"{parameter} is empty and tf2_ros is not installed: set {parameter} to {remedy}"
            )
        self._buffer = tf2_ros.Buffer(node=node)
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def lookup(self, target: str, source: str) -> Array | None:
        """Return (4, 4) T_target_source, metres, the newest known, or None."""
        try:
            found = self._buffer.lookup_transform(target, source, Time())
        except tf2_ros.TransformException:
            return None
        return transform_from_message(found.transform)
