"""Where camera and imu sit on the robot: from a parameter or from TF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rclpy.node import Node

from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.base.conversions.poses import transform_from_values
from aliked_ros.nodes.base.distribution import TransformTree
from aliked_ros.nodes.tracker.not_ready import NotReadyError
from aliked_ros.structs import Array


@dataclass(frozen=True, eq=False)
class NamedTransform:
    """A transform with a name of its own, as a parameter may give it.

    Attributes:
        name: what the parameter says.
        meaning: what it means, one clause.
        T_base_sensor: (4, 4).
    """

    name: str
    meaning: str
    T_base_sensor: Array


# The camera is the base, turned as REP 103 says.
OPTICAL = NamedTransform("optical", "the camera is the base", T_BODY_OPTICAL)
BASE = NamedTransform("base", "the axes of the base", np.eye(4))


def parse_transform(parameter: str, text: str, named: NamedTransform) -> Array | None:
    """Return (4, 4) T_base_sensor, metres, or None if it is to come from TF (empty text).

    Args:
        parameter: its name, for the error.
        text: empty, the name, or "x y z qx qy qz qw" of the sensor's frame in the base frame, m
            and unit quaternion.
        named: what this parameter may say in place of numbers.

    Raises:
        ValueError: for anything else.
    """
    if not text.strip():
        return None
    if text.strip() == named.name:
        return named.T_base_sensor
    try:
        values = [float(number) for number in text.replace(",", " ").split()]
    except ValueError:
        values = []
    is_pose = len(values) == 7 and np.isfinite(values).all()
    if not is_pose or not np.isclose(np.linalg.norm(values[3:]), 1.0, atol=1e-2):
        raise ValueError(
            f"{parameter} is {text!r}: give '{named.name}', seven finite numbers "
            "'x y z qx qy qz qw' with a unit quaternion, or nothing to take it from TF"
        )
    return transform_from_values(values)


class Mount:
    """Answers where a sensor sits, from a parameter or, if that is empty, from TF.

    Args:
        node: listens to TF.
        base_frame: of the robot.
        parameter: name of the parameter.
        text: what it says.
        named: what it may say in place of numbers.
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
        text: str,
        named: NamedTransform,
        is_used: bool = True,
    ) -> None:
        self._base_frame = base_frame
        self._parameter = parameter
        self.fixed = parse_transform(parameter, text, named)
        remedy = f"'{named.name}' ({named.meaning}) or 'x y z qx qy qz qw' in the base frame"
        needs_tree = is_used and self.fixed is None
        self._tree = TransformTree(node, parameter, remedy) if needs_tree else None

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
