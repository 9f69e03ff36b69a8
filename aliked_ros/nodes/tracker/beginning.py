"""Where the base is, and how certain, when the odometry starts anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rclpy.node import Node

from aliked_ros.nodes.tracker.frame_inputs import Jump
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE
from aliked_ros.structs import Array

# Nodes that play recordings: their images are of another time than ours.
PLAYERS = ("rosbag2_player", "aliked_player")


@dataclass(frozen=True, eq=False)
class Beginning:
    """A start of the odometry.

    Attributes:
        T_odom_base: (4, 4) where the base is at the next image, metres.
        covariance: (6, 6) that every pose since has beside its own, about the axes of odom, m, rad.
        is_asked_for: whether somebody asked for it, and so knows; else the first pose after it has
            an unknown covariance, whatever follows.
    """

    T_odom_base: Array
    covariance: Array
    is_asked_for: bool = True

    @classmethod
    def at_origin(cls, is_asked_for: bool = True) -> Beginning:
        """Return a start of odom."""
        return cls(np.eye(4), np.zeros((6, 6)), is_asked_for)

    @classmethod
    def at_last_pose(cls, T_odom_base: Array) -> Beginning:
        """Return a start at a pose since which nobody knows how the base moved (REP 105)."""
        return cls(T_odom_base, UNKNOWN_COVARIANCE, is_asked_for=False)


class RecordingCheck:
    """Tells whether images are of a recording, which may start over, or of a live robot.

    Args:
        node: knows who publishes what.
        restart_at: "last_pose" or "origin" decide; "auto" asks for sim time and players.

    Attributes:
        restart_at: likewise; may be set at any time.
    """

    def __init__(self, node: Node, restart_at: str) -> None:
        self._node = node
        self.restart_at = restart_at

    def starts_over(self, jump: Jump) -> bool:
        """Return whether odom begins anew after a jump of time."""
        if jump.seconds >= 0 or self.restart_at == "last_pose":
            return False
        return self.restart_at == "origin" or self._is_recording()

    def _is_recording(self) -> bool:
        if self._node.get_parameter("use_sim_time").value:
            return True
        topic = self._node.resolve_topic_name("image_raw")
        publishers = [
            one
            for ending in ("", "/compressed")
            for one in self._node.get_publishers_info_by_topic(topic + ending)
        ]
        return any(one.node_name.startswith(PLAYERS) for one in publishers)
