"""What the recorder works with: messages as they come -> rows and pictures."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image

from aliked_ros.datasets.whole_files import RowFile, write_whole
from aliked_ros.images import ImageError
from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.base.conversions.cameras import image_from_message
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.qos import RECORD_QOS, RESULT_QOS
from aliked_ros.nodes.base.topics import Topics

_STATUS_FIELDS = [
    name
    for name, kind in OdometryStatus.get_fields_and_field_types().items()
    if kind != "std_msgs/Header"
]


class RecorderWork:
    """Writes `trajectory.txt`, `status.csv` and pictures; ends the process if it cannot.

    Each row is on disk as soon as its message has come, so that nothing is lost at the end.

    Args:
        topics: subscribes.
        folder: of the files, made if absent.
        picture_period: each so many-th picture is kept; 0: none.
        diagnostics: counts what becomes of messages.
    """

    def __init__(
        self, topics: Topics, folder: Path, picture_period: int, diagnostics: Diagnostics
    ) -> None:
        self._diagnostics = diagnostics
        self._picture_period = picture_period
        self._pictures = folder / "overlay"
        (self._pictures if picture_period else folder).mkdir(parents=True, exist_ok=True)
        self._trajectory = RowFile(folder / "trajectory.txt")
        self._status = RowFile(folder / "status.csv")
        self._trajectory.write("# stamp_s tx ty tz qx qy qz qw (T_odom_base, m)")
        self._status.write(_csv_row(["stamp_s", *_STATUS_FIELDS]))
        self._num_pictures = 0
        topics.subscribe(Odometry, "odometry", RECORD_QOS, self._store_pose)
        topics.subscribe(OdometryStatus, "status", RECORD_QOS, self._store_status)
        if picture_period:
            topics.subscribe(Image, "overlay", RESULT_QOS, self._store_picture)

    def start(self) -> None:
        """Begin to write."""

    def stop(self) -> None:
        """Everything is on disk already."""

    def _store_pose(self, message: Odometry, _: int) -> None:
        self._diagnostics.count_received()
        p, q = message.pose.pose.position, message.pose.pose.orientation
        values = (p.x, p.y, p.z, q.x, q.y, q.z, q.w)
        if not np.isfinite(values).all():
            self._diagnostics.count_skipped("not finite", f"odometry holds the pose {values}")
            return
        numbers = " ".join(f"{value:.9f}" for value in values)
        self._write(self._trajectory, f"{_seconds(message)} {numbers}")

    def _store_status(self, message: OdometryStatus, _: int) -> None:
        self._diagnostics.count_received()
        values = [getattr(message, name) for name in _STATUS_FIELDS]
        self._write(self._status, _csv_row([_seconds(message), *values]))

    def _store_picture(self, message: Image, _: int) -> None:
        self._diagnostics.count_received()
        self._num_pictures += 1
        if (self._num_pictures - 1) % self._picture_period:
            self._diagnostics.count_skipped("between the pictures that are kept")
            return
        try:
            image = image_from_message(message)
        except ImageError as error:
            self._diagnostics.count_skipped("undecodable", str(error))
            return
        colours = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        path = self._pictures / f"{stamp_to_ns(message.header.stamp):020d}.png"
        self._give_up_on_error(write_whole, path, cv2.imencode(".png", colours)[1].tobytes())

    def _write(self, file: RowFile, row: str) -> None:
        self._give_up_on_error(file.write, row)

    def _give_up_on_error(self, write: Any, *arguments: Any) -> None:
        """Write; a disk that is full ends the process with one sentence."""
        try:
            write(*arguments)
        except OSError as error:
            self._diagnostics.fatal(str(error))
            raise SystemExit(1) from error
        self._diagnostics.count_processed(0.0)


def _csv_row(values: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def _seconds(message: Any) -> str:
    """Return the stamp of a message in seconds, exact."""
    stamp = message.header.stamp
    return f"{stamp.sec}.{stamp.nanosec:09d}"
