"""What the recorder works with: messages as they come, unopened -> a rosbag2."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ament_index_python.packages import get_package_share_directory
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from aliked_ros.config.companions import RecorderConfig
from aliked_ros.datasets.bag_writer import BagWriter
from aliked_ros.msg import Features, Matches, OdometryStatus
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.qos import (
    LATCHED_QOS,
    RECORD_IMAGE_QOS,
    RECORD_QOS,
    TRANSFORM_QOS,
)
from aliked_ros.nodes.base.silence import type_name
from aliked_ros.nodes.base.topics import Topics

_OURS = ("Features", "Matches", "OdometryStatus")


class _Wanted(NamedTuple):
    """A topic to be recorded; the suffix is that of its transport."""

    topic: str
    message_type: type
    qos: QoSProfile
    suffix: str = ""


class BagWork:
    """Writes what goes into the pipeline and what comes out of it, as it is on the wire.

    Args:
        node: knows time and names.
        topics: subscribes.
        config: where it is written, and what of it.
        diagnostics: counts what becomes of messages.

    Raises:
        MissingPackageError: if rosbags is not installed.
        OSError: naming the folder, if the bag cannot be made.
    """

    def __init__(
        self, node: Node, topics: Topics, config: RecorderConfig, diagnostics: Diagnostics
    ) -> None:
        self._clock, self._diagnostics = node.get_clock(), diagnostics
        name = time.strftime("rosbag2_%Y_%m_%d-%H_%M_%S")
        self.folder = Path(config.output_dir).absolute() / name
        self._bag: BagWriter | None = BagWriter(self.folder, _definitions())
        node.get_logger().info(f"recording into {self.folder}")
        self._announced: set[str] = set()  # a topic on which nothing came is not in the bag
        for wanted in _wanted(config):
            # A remapping is of the base name: the topics of transports follow it.
            topic = node.resolve_topic_name(wanted.topic) + wanted.suffix
            write = partial(self._write, topic, wanted)
            options = {"is_watched": False, "counts_gaps": True, "is_raw": True}
            topics.subscribe(wanted.message_type, topic, wanted.qos, write, **options)

    def start(self) -> None:
        """Begin to write."""

    def stop(self) -> None:
        """Make the bag whole; a node that is activated again needs to be configured anew."""
        bag, self._bag = self._bag, None
        if bag is not None:
            bag.close()

    def _write(self, topic: str, wanted: _Wanted, data: Any, _: int) -> None:
        self._diagnostics.count_received()
        if self._bag is None:
            self._diagnostics.count_skipped("the bag is closed")
            return
        try:
            if topic not in self._announced:
                self._announced.add(topic)
                is_latched = wanted.qos is LATCHED_QOS
                self._bag.add_topic(topic, type_name(wanted.message_type), is_latched=is_latched)
            self._bag.write(topic, self._clock.now().nanoseconds, bytes(data))
        except OSError as error:
            self._diagnostics.fatal(f"cannot write {self.folder}: {error}")
            raise SystemExit(1) from error
        self._diagnostics.count_processed(0.0)


def _wanted(config: RecorderConfig) -> list[_Wanted]:
    """Return what is recorded."""
    pictures = (
        ("image_raw", config.image_transport),
        ("right/image_raw", config.image_transport),
        ("depth/image_raw", config.depth_transport),
    )
    wanted = [
        _Wanted(topic, Image, RECORD_IMAGE_QOS)
        if transport == "raw"
        else _Wanted(topic, CompressedImage, RECORD_IMAGE_QOS, f"/{transport}")
        for topic, transport in pictures
    ]
    infos = ("camera_info", "right/camera_info")
    wanted += [_Wanted(topic, CameraInfo, RECORD_IMAGE_QOS) for topic in infos]
    if config.features:
        wanted.append(_Wanted("features", Features, RECORD_QOS))
    return [
        *wanted,
        _Wanted("matches", Matches, RECORD_QOS),
        _Wanted("status", OdometryStatus, RECORD_QOS),
        _Wanted("odometry", Odometry, RECORD_QOS),
        _Wanted("/tf", TFMessage, TRANSFORM_QOS),
        _Wanted("/tf_static", TFMessage, LATCHED_QOS),
    ]


def _definitions() -> dict[str, str]:
    """Return our types and the texts that define them."""
    folder = Path(get_package_share_directory("aliked_ros"), "msg")
    return {
        f"aliked_ros/msg/{name}": (folder / f"{name}.msg").read_text(encoding="utf-8")
        for name in _OURS
    }
