"""A rosbag2 recording (sqlite3 or mcap), read without ROS through rosbags."""

from __future__ import annotations

import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets import camera_files, stamps
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.bag_topics import choose_topics, info_topic
from aliked_ros.datasets.sequence import Calibration, DatasetError, FrameError, Pictures, Sequence
from aliked_ros.extras import require
from aliked_ros.images import (
    ImageError,
    decode_compressed,
    decode_depth,
    decode_image,
    message_fields,
)
from aliked_ros.structs import Camera, Index

MAX_PARTNER_OFFSET_NS = 20_000_000
_SUFFIXES = (".mcap", ".db3")
_IMAGE, _COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_INFO = "sensor_msgs/msg/CameraInfo"


class RosbagSequence(Sequence):
    """A rosbag2 folder or one of its files; depth images are taken as registered to the image."""

    layout = "rosbag2"
    looks_for = "metadata.yaml beside .db3 or .mcap files (rosbag2)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return (path / "metadata.yaml").is_file() or (path.is_file() and path.suffix in _SUFFIXES)

    def __init__(self, path: Path, options: Options) -> None:
        require("rosbags", extra="bags", feature=f"reading the bag {path}")
        self._bag = _Bag(path)
        types = self._bag.topic_types
        images = {topic: kind for topic, kind in types.items() if kind in (_IMAGE, _COMPRESSED)}
        roles = choose_topics(path, sorted(images), dict(options.topics))
        index = {role: self._bag.index(topic) for role, topic in roles.items()}
        stamps_ns = index["image"][:, 0]
        self._roles = roles
        self._log_times = {role: _partners(stamps_ns, times_ns) for role, times_ns in index.items()}
        cameras = camera_files.override(_cameras(self._bag, roles), path, options.camera_info)
        sensors = ["mono"]
        if "right_image" in roles and cameras.right_camera is not None:
            sensors.append("stereo")
        if "depth" in roles:
            sensors.append("rgbd")
        super().__init__(path.resolve().stem, stamps_ns, cameras, sensors=tuple(sensors))

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        try:
            image = self._picture("image", index, is_depth=False)
            if image is None:
                raise FrameError(index, f"{self._bag.path}: the image is missing")
            right = self._picture("right_image", index, is_depth=False) if with_right else None
            depth = self._picture("depth", index, is_depth=True) if with_depth else None
        except ImageError as error:
            raise FrameError(index, f"{self._bag.path}: {error}") from error
        return Pictures(image, right, depth)

    def _picture(self, role: str, index: int, *, is_depth: bool) -> Any:
        """Return the pixels of a role's message at a frame, or None where it has none."""
        log_time_ns, stamp_ns = (int(value) for value in self._log_times[role][index])
        if log_time_ns < 0:
            return None
        message = self._bag.message(self._roles[role], log_time_ns, stamp_ns)
        if not hasattr(message, "encoding"):
            if is_depth:
                raise ImageError(
                    f"topic {self._roles[role]} is compressed depth: record the raw depth images"
                )
            return decode_compressed(message.data)
        decode = decode_depth if is_depth else decode_image
        return decode(**message_fields(message))


class _Bag:
    """An indexed recording; each thread reads through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers = threading.local()
        self.topic_types = {c.topic: c.msgtype for c in self._reader().connections}

    def index(self, topic: str) -> Index:
        """Return (M, 2) header stamp and time of recording, ns, in the order of the stamps."""
        reader = self._reader()
        connections = [c for c in reader.connections if c.topic == topic]
        times = [
            (_header_stamp_ns(raw), log_time_ns)
            for _, log_time_ns, raw in reader.messages(connections)
        ]
        table = np.array(times, np.int64).reshape(-1, 2)
        if not table[:, 0].any():
            table[:, 0] = table[:, 1]  # a driver that leaves its stamps empty
        return table[stamps.increasing(table[:, 0])]

    def message(self, topic: str, log_time_ns: int, stamp_ns: int) -> Any:
        """Return one message."""
        reader = self._reader()
        connections = [c for c in reader.connections if c.topic == topic]
        found = None
        # From a nanosecond earlier: rosbags passes over an mcap chunk that ends at the very start.
        for connection, time_ns, raw in reader.messages(
            connections, log_time_ns - 1, log_time_ns + 1
        ):
            if time_ns != log_time_ns:
                continue
            found = _typestore().deserialize_cdr(raw, connection.msgtype)
            if _header_stamp_ns(raw) == stamp_ns:
                break
        return found

    def first(self, topic: str) -> Any:
        """Return the first message of a topic, or None."""
        if topic not in self.topic_types:
            return None
        reader = self._reader()
        connections = [c for c in reader.connections if c.topic == topic]
        for connection, _, raw in reader.messages(connections):
            return _typestore().deserialize_cdr(raw, connection.msgtype)
        return None

    def _reader(self) -> Any:
        # sqlite3 refuses a connection that another thread opened, and frames are read ahead.
        if not hasattr(self._readers, "open"):
            from rosbags.rosbag2 import Reader

            try:
                reader = Reader(self.path)
                reader.open()
            except Exception as error:
                # rosbags reports a broken bag by many types: its own, sqlite3's, struct's.
                raise DatasetError(f"bag {self.path} cannot be opened: {error}") from error
            self._readers.open = reader
        return self._readers.open


def _typestore() -> Any:
    from rosbags.typesys import Stores, get_typestore

    if not _TYPESTORES:
        _TYPESTORES.append(get_typestore(Stores.ROS2_JAZZY))
    return _TYPESTORES[0]


_TYPESTORES: list[Any] = []


def _header_stamp_ns(raw: bytes) -> int:
    """Return the stamp of a message that starts with a header, without decoding the rest."""
    byte_order = "<" if raw[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(f"{byte_order}iI", raw, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _partners(stamps_ns: Index, times_ns: Index) -> Index:
    """Return (N, 2) time of recording and stamp of each frame's partner, -1 where none."""
    partners = stamps.nearest(stamps_ns, times_ns[:, 0], MAX_PARTNER_OFFSET_NS)
    table = np.full((len(stamps_ns), 2), -1, np.int64)
    table[partners >= 0] = times_ns[partners[partners >= 0]][:, ::-1]
    return table


def _cameras(bag: _Bag, roles: dict[str, str]) -> Calibration:
    infos = sorted(topic for topic, kind in bag.topic_types.items() if kind == _INFO)
    camera = _camera(bag, info_topic(roles["image"], infos))
    right = _camera(bag, info_topic(roles.get("right_image", ""), infos))
    if camera is None or right is None or right.P is None or right.P[0, 3] >= 0:
        return Calibration(camera)
    return Calibration(camera, right)


def _camera(bag: _Bag, topic: str) -> Camera | None:
    info = bag.first(topic)
    if info is None or info.k[0] == 0:
        return None
    return camera_files.camera_from_fields(
        (info.width, info.height), info.k, info.distortion_model, info.d, info.r, info.p
    )
