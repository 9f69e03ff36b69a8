"""Odometry topics -> files: trajectory, status of each frame, pictures of the overlay."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO, Any

import cv2
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import Image

from aliked_ros.config.nodes import RecorderConfig
from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.base.conversions.cameras import image_from_message
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.parameters import read_config
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.nodes.base.run import run

_STATUS_FIELDS = [
    name
    for name, kind in OdometryStatus.get_fields_and_field_types().items()
    if kind != "std_msgs/Header"
]


class RecorderNode(Node):
    """Writes `trajectory.txt` (TUM rows, T_odom_base), `status.csv` and overlay pictures.

    Each row is on disk as soon as its message has come, so that nothing is lost at the end.
    """

    def __init__(self) -> None:
        super().__init__("aliked_recorder")
        config = read_config(self, RecorderConfig)
        folder, self._picture_period = Path(config.output_dir), config.picture_period
        self._pictures = folder / "overlay"
        (self._pictures if self._picture_period else folder).mkdir(parents=True, exist_ok=True)
        self._trajectory = _open(folder / "trajectory.txt")
        self._trajectory.write("# stamp_s tx ty tz qx qy qz qw (T_odom_base, m)\n")
        self._status = _open(folder / "status.csv")
        self._status_rows = csv.writer(self._status)
        self._status_rows.writerow(["stamp_s", *_STATUS_FIELDS])
        self._num_pictures = 0
        self.create_subscription(Odometry, "odometry", self._store_pose, 100)
        self.create_subscription(OdometryStatus, "status", self._store_status, 100)
        if self._picture_period:
            self.create_subscription(Image, "overlay", self._store_picture, RESULT_QOS)

    def _store_pose(self, message: Odometry) -> None:
        p, q = message.pose.pose.position, message.pose.pose.orientation
        numbers = " ".join(f"{value:.9f}" for value in (p.x, p.y, p.z, q.x, q.y, q.z, q.w))
        self._trajectory.write(f"{_seconds(message)} {numbers}\n")

    def _store_status(self, message: OdometryStatus) -> None:
        values = [getattr(message, name) for name in _STATUS_FIELDS]
        self._status_rows.writerow([_seconds(message), *values])

    def _store_picture(self, message: Image) -> None:
        if self._num_pictures % self._picture_period == 0:
            image = cv2.cvtColor(image_from_message(message), cv2.COLOR_RGB2BGR)
            cv2.imwrite(
                str(self._pictures / f"{stamp_to_ns(message.header.stamp):020d}.png"), image
            )
        self._num_pictures += 1

    def destroy_node(self) -> None:
        """Close the files."""
        self._trajectory.close()
        self._status.close()
        super().destroy_node()


def _open(path: Path) -> IO[str]:
    return path.open("w", buffering=1, newline="")


def _seconds(message: Any) -> str:
    """Return the stamp of a message in seconds, exact."""
    stamp = message.header.stamp
    return f"{stamp.sec}.{stamp.nanosec:09d}"


def main() -> int:
    """Run the node."""
    return run(RecorderNode)
