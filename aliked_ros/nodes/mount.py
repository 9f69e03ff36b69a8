"""Where the camera sits on the robot, and the transforms that the odometry publishes."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.calibration import NotReadyError
from aliked_ros.nodes.conversions import transform_from_values, transform_to_message
from aliked_ros.nodes.parameters import declare
from aliked_ros.nodes.topics import LATCHED_QOS
from aliked_ros.nodes.world import TransformTree


def parse_camera_transform(text: str) -> NDArray[np.float64] | None:
    """Return (4, 4) T_base_camera, metres, or None if it is to come from TF (empty text).

    Args:
        text: empty, "optical" (the camera is the base, turned as REP 103 says), or
            "x y z qx qy qz qw" of the optical frame in the base frame, m and unit quaternion.

    Raises:
        ValueError: for anything else.
    """
    if not text.strip():
        return None
    if text.strip() == "optical":
        return T_BODY_OPTICAL
    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) != 7 or not np.isclose(np.linalg.norm(values[3:]), 1.0, atol=1e-2):
        raise ValueError(
            f"camera_transform is {text!r}: give 'optical', seven numbers 'x y z qx qy qz qw' "
            "with a unit quaternion, or nothing to take it from TF"
        )
    return transform_from_values(values)


class CameraMount:
    """Answers T_base_camera from the parameter or, if that is empty, from TF."""

    def __init__(self, node: Node, base_frame: str) -> None:
        self._base_frame = base_frame
        text = declare(
            node,
            "camera_transform",
            "",
            "camera's optical frame in base_frame: 'optical' (the camera is the base), 'x y z qx "
            "qy qz qw' (m), or empty: from TF",
        )
        self.fixed = parse_camera_transform(text)
        self._tree = TransformTree(node) if self.fixed is None else None

    def T_base_camera(self, camera_frame: str) -> NDArray[np.float64]:
        """Return (4, 4), metres.

        Raises:
            NotReadyError: while TF does not know it.
        """
        T_base_camera = self.fixed
        if self._tree is not None:
            T_base_camera = self._tree.lookup(self._base_frame, camera_frame)
        if T_base_camera is None:
            raise NotReadyError(
                f"no transform {self._base_frame} <- {camera_frame} in TF: publish it (ros2 run "
                "tf2_ros static_transform_publisher) or set the parameter camera_transform"
            )
        return T_base_camera


class TransformPublisher:
    """Publishes transforms on /tf and, once, on /tf_static."""

    def __init__(self, node: Node) -> None:
        self._moving = node.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self._static = node.create_publisher(TFMessage, "/tf_static", LATCHED_QOS)

    def publish(self, header: Header, child: str, T_parent_child: NDArray[np.float64]) -> None:
        """Publish a transform that holds at the header's stamp, if somebody listens."""
        if self._moving.get_subscription_count():
            self._moving.publish(_tf_message(header, child, T_parent_child))

    def publish_static(
        self, header: Header, child: str, T_parent_child: NDArray[np.float64]
    ) -> None:
        """Publish a transform that always holds; later subscribers receive it too."""
        self._static.publish(_tf_message(header, child, T_parent_child))


def _tf_message(header: Header, child: str, T_parent_child: NDArray[np.float64]) -> TFMessage:
    transform = transform_to_message(T_parent_child)
    return TFMessage(
        transforms=[TransformStamped(header=header, child_frame_id=child, transform=transform)]
    )
