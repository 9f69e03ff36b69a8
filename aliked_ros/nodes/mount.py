"""Where camera and imu sit on the robot, and the transforms that the odometry publishes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import TransformStamped
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
from aliked_ros.structs import Array


@dataclass(frozen=True, eq=False)
class Word:
    """A transform with a name of its own, as a parameter may give it.

    Attributes:
        name: the word.
        meaning: what it means, one clause.
        T_base_sensor: (4, 4).
    """

    name: str
    meaning: str
    T_base_sensor: Array


# The camera is the base, turned as REP 103 says.
OPTICAL = Word("optical", "the camera is the base", T_BODY_OPTICAL)
BASE = Word("base", "the axes of the base", np.eye(4))


def parse_transform(parameter: str, text: str, word: Word) -> Array | None:
    """Return (4, 4) T_base_sensor, metres, or None if it is to come from TF (empty text).

    Args:
        parameter: its name, for the error.
        text: empty, the word, or "x y z qx qy qz qw" of the sensor's frame in the base frame, m
            and unit quaternion.
        word: what this parameter may say in place of numbers.

    Raises:
        ValueError: for anything else.
    """
    if not text.strip():
        return None
    if text.strip() == word.name:
        return word.T_base_sensor
    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) != 7 or not np.isclose(np.linalg.norm(values[3:]), 1.0, atol=1e-2):
        raise ValueError(
            f"{parameter} is {text!r}: give '{word.name}', seven numbers 'x y z qx qy qz qw' "
            "with a unit quaternion, or nothing to take it from TF"
        )
    return transform_from_values(values)


class Mount:
    """Answers where a sensor sits, from a parameter or, if that is empty, from TF.

    Args:
        node: gets the parameter.
        base_frame: of the robot.
        parameter: its name.
        sensor: what is described, for its description.
        word: what it may say in place of numbers.
        is_used: whether to listen to TF if the parameter is empty.

    Attributes:
        fixed: (4, 4) T_base_sensor from the parameter, metres, or None.

    Raises:
        ValueError: if the parameter is not a transform, or there is no TF in this world.
    """

    def __init__(
        self,
        node: Node,
        base_frame: str,
        parameter: str,
        sensor: str,
        word: Word,
        is_used: bool = True,
    ) -> None:
        self._base_frame = base_frame
        self._parameter = parameter
        text = declare(
            node,
            parameter,
            "",
            f"{sensor} in base_frame: '{word.name}' ({word.meaning}), 'x y z qx qy qz qw' (m), or "
            "empty: from TF",
        )
        self.fixed = parse_transform(parameter, text, word)
        remedy = f"'{word.name}' ({word.meaning}) or 'x y z qx qy qz qw' in the base frame"
        is_tree = is_used and self.fixed is None
        self._tree = TransformTree(node, parameter, remedy) if is_tree else None

    def T_base_sensor(self, sensor_frame: str) -> Array:
        """Return (4, 4), metres.

        Raises:
            NotReadyError: while TF does not know it.
        """
        T_base_sensor = self.fixed
        if self._tree is not None:
            T_base_sensor = self._tree.lookup(self._base_frame, sensor_frame)
        if T_base_sensor is None:
            raise NotReadyError(
                f"no transform {self._base_frame} <- {sensor_frame} in TF: publish it (ros2 run "
                f"tf2_ros static_transform_publisher) or set the parameter {self._parameter}"
            )
        return T_base_sensor


class TransformPublisher:
    """Publishes transforms on /tf and, once, on /tf_static."""

    def __init__(self, node: Node) -> None:
        self._moving = node.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self._static = node.create_publisher(TFMessage, "/tf_static", LATCHED_QOS)

    def publish(self, header: Header, child: str, T_parent_child: Array) -> None:
        """Publish a transform that holds at the header's stamp, if somebody listens."""
        if self._moving.get_subscription_count():
            self._moving.publish(_tf_message(header, child, T_parent_child))

    def publish_static(self, header: Header, child: str, T_parent_child: Array) -> None:
        """Publish a transform that always holds; later subscribers receive it too."""
        self._static.publish(_tf_message(header, child, T_parent_child))


def _tf_message(header: Header, child: str, T_parent_child: Array) -> TFMessage:
    transform = transform_to_message(T_parent_child)
    return TFMessage(
        transforms=[TransformStamped(header=header, child_frame_id=child, transform=transform)]
    )
