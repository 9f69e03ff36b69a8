"""What the view works with: messages as they come -> items for the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

from aliked_ros.config.companions import PageConfig
from aliked_ros.config.nodes import ImageConfig
from aliked_ros.images import ImageError
from aliked_ros.msg import Matches, OdometryStatus
from aliked_ros.nodes.base.conversions.cameras import AnyImage
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.decoding import ImageDecoder
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.qos import IMAGE_QOS, RESULT_QOS
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.view.items import (
    AnyItem,
    keyframes_item,
    landmarks_item,
    matches_item,
    odometry_item,
    status_item,
)
from aliked_ros.view.viewer import Viewer, find_python

_TOPICS: tuple[tuple[type, str, Callable[[Any], AnyItem]], ...] = (
    (Matches, "matches", matches_item),
    (Odometry, "odometry", odometry_item),
    (OdometryStatus, "status", status_item),
    (PointCloud2, "landmarks", landmarks_item),
    (MarkerArray, "keyframes", keyframes_item),
)
_QUEUE_SIZE = 48  # a frame comes as six messages


class ViewWork:
    """Hands what it hears to a process that shows it.

    Args:
        node: says where the page is.
        topics: subscribes.
        config: page and file.
        images: how images arrive.
        diagnostics: counts what becomes of messages.

    Raises:
        MissingPackageError: if there is no rerun.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        config: PageConfig,
        images: ImageConfig,
        diagnostics: Diagnostics,
    ) -> None:
        self._diagnostics = diagnostics
        self._is_measured = False
        self._decode = ImageDecoder(images, diagnostics, node.resolve_topic_name("image_raw"))
        self._config, self._logger = config, node.get_logger()
        self._viewer: Viewer | None = None
        self._num_dropped = 0  # by viewers that are closed
        find_python()
        diagnostics.counts.skipped_elsewhere("the page lagged", self._count_dropped)
        topics.subscribe_image(
            "image_raw", images.image_transport, IMAGE_QOS, self._add_image, images.stamps
        )
        for message_type, topic, make_item in _TOPICS:
            topics.subscribe(message_type, topic, RESULT_QOS, partial(self._add, make_item))

    def start(self) -> None:
        """Open page and file."""
        file = Path(self._config.file).absolute() if self._config.file else None
        self._viewer = Viewer(page=self._config.page, file=file, up="z", queue_size=_QUEUE_SIZE)
        if self._viewer.address:
            self._logger.info(f"the page is at {self._viewer.address}")

    def stop(self) -> None:
        """Show what was taken, and close both."""
        viewer, self._viewer = self._viewer, None
        if viewer is not None:
            viewer.close()
            self._num_dropped += viewer.num_dropped

    def _count_dropped(self) -> int:
        return self._num_dropped + (0 if self._viewer is None else self._viewer.num_dropped)

    def _add_image(self, message: AnyImage, _: int) -> None:
        self._diagnostics.count_received()
        try:
            image = self._decode(message)
        except ImageError as error:
            self._diagnostics.count_skipped("undecodable", str(error))
            return
        self._show({"stamp_ns": stamp_to_ns(message.header.stamp), "image": image})

    def _add(self, make_item: Callable[[Any], AnyItem], message: Any, _: int) -> None:
        self._diagnostics.count_received()
        try:
            item = make_item(message)
        except ValueError as error:
            self._diagnostics.count_skipped("unusable", str(error))
            return
        if "state" in item:
            self._is_measured = item["state"] == "tracking"
        if "T_world_body" in item:
            item["is_measured"] = self._is_measured
        self._show(item)

    def _show(self, item: AnyItem) -> None:
        if self._viewer is not None:
            self._viewer.show(item)
        self._diagnostics.count_processed(0.0)
