"""Serialized messages -> a rosbag2 in the mcap format, without ROS through rosbags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aliked_ros.extras import require

_DEPTH = 100


class BagWriter:
    """A bag that is being written; `close` makes it whole.

    Args:
        folder: of the bag; must not exist.
        definitions: type of a message that ROS does not have, such as aliked_ros/msg/Matches ->
            its definition, the text of a .msg file.

    Raises:
        MissingPackageError: if rosbags is not installed.
        OSError: naming the folder, if it cannot be made.
    """

    def __init__(self, folder: Path, definitions: dict[str, str]) -> None:
        require("rosbags", extra="bags", feature="recording a bag")
        from rosbags.rosbag2 import StoragePlugin, Writer
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore

        if folder.exists():
            raise FileExistsError(f"{folder} is there already: give a folder that is not")
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._types = get_typestore(Stores.ROS2_JAZZY)
        for name, definition in definitions.items():
            self._types.register(get_types_from_msg(definition, name))
        self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._connections: dict[str, Any] = {}

    def add_topic(self, topic: str, type_name: str, *, is_latched: bool = False) -> None:
        """Announce a topic.

        Args:
            topic: full name.
            type_name: such as nav_msgs/msg/Odometry.
            is_latched: whether who plays it keeps the last message for who comes later.
        """
        self._connections[topic] = self._writer.add_connection(
            topic, type_name, typestore=self._types, offered_qos_profiles=[_quality(is_latched)]
        )

    def write(self, topic: str, recorded_ns: int, data: bytes) -> None:
        """Write a message (CDR, its four bytes of encoding included) that came at this time."""
        self._writer.write(self._connections[topic], recorded_ns, data)

    def close(self) -> None:
        """Write index and metadata."""
        self._writer.close()


def _quality(is_latched: bool) -> Any:
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    durability = QosDurability.TRANSIENT_LOCAL if is_latched else QosDurability.VOLATILE
    unset = QosTime(0, 0)
    return Qos(
        QosHistory.KEEP_LAST, _DEPTH, QosReliability.RELIABLE, durability,
        unset, unset, QosLiveliness.SYSTEM_DEFAULT, unset, False,
    )  # fmt: skip
