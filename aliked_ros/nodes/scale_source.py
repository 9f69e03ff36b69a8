"""Metres for a single camera, from another odometry (wheels, GNSS, lidar)."""

from __future__ import annotations

from collections import deque

import numpy as np
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.node import Node

from aliked_ros.nodes.conversions import stamp_to_ns, transform_from_pose
from aliked_ros.nodes.health import Health
from aliked_ros.nodes.parameters import declare
from aliked_ros.nodes.topics import PAIRED_QOS
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.odometry.scale import ScaleEstimator

SOURCES = ("none", "odometry")


class ScaleSource:
    """Subscribes to `scale_odometry` if `scale_source` says so, and gives placements their scale.

    The other odometry is that of the same base; only the distances that it measures count.

    Raises:
        ValueError: if a parameter is not allowed, or the sensor measures metres itself.
    """

    def __init__(self, node: Node, sensor: str, health: Health) -> None:
        source = declare(
            node,
            "scale_source",
            "none",
            f"mono: where metres come from ({' | '.join(SOURCES)}: the topic scale_odometry)",
        )
        part_m = declare(
            node, "scale_part_m", 0.2, "lengths are compared over parts of the path this long, m"
        )
        if source not in SOURCES:
            raise ValueError(f"scale_source is {source!r}: use one of {', '.join(SOURCES)}")
        if source != "none" and sensor != "mono":
            raise ValueError(
                f"scale_source is {source!r} and odometry.sensor is {sensor!r}, which measures "
                "metres itself: set scale_source to 'none'"
            )
        self._estimator = ScaleEstimator(part_m)
        self._is_used = source != "none"
        self._is_known = not self._is_used
        self._shown = "unknown"
        self._part_m = part_m
        # Filled by the executor's thread, emptied by the tracker's.
        self._arrived: deque[tuple[int, NDArray[np.float64]]] = deque(maxlen=1000)
        if self._is_used:
            self._topic = node.resolve_topic_name("scale_odometry")
            node.create_subscription(Odometry, "scale_odometry", self._store, PAIRED_QOS)
            health.show("metres per unit", lambda: self._shown)

    def _store(self, message: Odometry) -> None:
        T = transform_from_pose(message.pose.pose)
        self._arrived.append((stamp_to_ns(message.header.stamp), T))

    def place(self, result: OdometryResult, placement: Placement) -> str:
        """Bring the newest scale into force; return why there is none yet, or an empty string."""
        if not self._is_used or result.T_world_camera is None:
            return ""
        T_world_camera = result.T_world_camera
        while self._arrived:
            stamp_ns, T_reference_base = self._arrived.popleft()
            camera = T_reference_base @ placement.T_base_camera
            self._estimator.add_reference(stamp_ns, camera[:3, 3])
        if result.state is State.TRACKING:
            self._estimator.add(result.stamp_ns, T_world_camera[:3, 3])
        elif result.state is State.LOST:
            self._estimator.forget()  # the unit is another one if the map begins anew
        scale = self._estimator.scale()
        if scale is not None and scale.value != placement.scale:
            # What nobody has heard of yet may still grow from its beginning.
            newest = T_world_camera if self._is_known else None
            placement.rescale(scale.value, scale.sigma, newest)
            self._is_known = True
            self._shown = f"{scale.value:.4g} +- {scale.sigma:.2g}"
        if self._is_known:
            return ""
        return (
            f"the scale is not known yet: {self._estimator.num_parts} parts of {self._part_m:g} m "
            f"were compared with {self._topic}, {self._estimator.min_parts} are needed"
        )

    def break_off(self) -> None:
        """Note that images are passed over."""
        self._estimator.break_off()

    def forget(self) -> None:
        """Note that the odometry begins anew, in a unit of its own."""
        self._estimator.forget()
        self._shown, self._is_known = "unknown", not self._is_used
