"""Transforms on /tf and /tf_static."""

from __future__ import annotations

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.conversions.poses import transform_to_message
from aliked_ros.nodes.base.qos import LATCHED_QOS, TRANSFORM_QOS
from aliked_ros.nodes.tracker.transform_rivals import TransformRivals
from aliked_ros.structs import Array


class TransformPublisher:
    """Publishes transforms on /tf and, once, on /tf_static.

    Args:
        node: publishes.
        rivals: looks who else publishes the moving one; None: that one is not published.
    """

    def __init__(self, node: Node, rivals: TransformRivals | None) -> None:
        self._rivals = rivals
        self._moving = node.create_publisher(TFMessage, "/tf", TRANSFORM_QOS)
        self._static = node.create_publisher(TFMessage, "/tf_static", LATCHED_QOS)

    def publish(self, header: Header, child: str, T_parent_child: Array) -> None:
        """Publish a transform (4, 4) that holds at the header's stamp, if somebody listens."""
        if self._rivals is None or not self._moving.get_subscription_count():
            return
        self._rivals.note_sent(stamp_to_ns(header.stamp))
        self._moving.publish(_tf_message(header, child, T_parent_child))

    def publish_static(self, header: Header, child: str, T_parent_child: Array) -> None:
        """Publish a transform (4, 4) that always holds; later subscribers receive it too."""
        self._static.publish(_tf_message(header, child, T_parent_child))


def _tf_message(header: Header, child: str, T_parent_child: Array) -> TFMessage:
    transform = transform_to_message(T_parent_child)
    return TFMessage(
        transforms=[TransformStamped(header=header, child_frame_id=child, transform=transform)]
    )
