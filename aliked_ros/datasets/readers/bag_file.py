"""A rosbag2 recording on disk: opened, indexed, read message by message."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets import stamps
from aliked_ros.datasets.readers import bag_stamps
from aliked_ros.datasets.sequence import DatasetError
from aliked_ros.structs import Index

SUFFIXES = (".mcap", ".db3")
_MCAP_MARK = b"\x89MCAP0\r\n"  # at both ends of a whole file
_ROS1_MARK = b"#ROSBAG V"


def looks_like_bag(path: Path) -> bool:
    """Return whether a path is a recording, also one that needs mending first."""
    if path.is_file():
        return path.suffix in (*SUFFIXES, ".bag")
    return (path / "metadata.yaml").is_file() or bool(_files(path))


class BagFile:
    """An indexed recording; each thread reads through a connection of its own.

    Raises:
        DatasetError: if it cannot be opened, with what mends it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = _what_to_open(path)
        self._readers = threading.local()
        self.topic_types = {c.topic: c.msgtype for c in self._reader().connections}

    def index(self, topic: str, stamps_from: str) -> tuple[Index, list[str]]:
        """Return (M, 2) stamp and time of recording, ns, in the order of the stamps; and remarks.

        Args:
            topic: whose messages begin with a header.
            stamps_from: "header", or "recorded" for the times of recording.
        """
        reader = self._reader()
        connections = [c for c in reader.connections if c.topic == topic]
        times = [
            (_header_stamp_ns(raw), log_time_ns)
            for _, log_time_ns, raw in reader.messages(connections)
        ]
        table = np.array(times, np.int64).reshape(-1, 2)
        if stamps_from == "recorded":
            table[:, 0] = table[:, 1]
            return table[stamps.increasing(table[:, 0])], []
        return bag_stamps.believable(topic, table)

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
            found = self._opened_message(raw, connection)
            if _header_stamp_ns(raw) == stamp_ns:
                break
        return found

    def messages(self, topic: str) -> Iterator[Any]:
        """Yield the messages of a topic in the order of recording; none if it is not there."""
        reader = self._reader()
        connections = [c for c in reader.connections if c.topic == topic]
        if connections:
            for connection, _, raw in reader.messages(connections):
                yield self._opened_message(raw, connection)

    def sampled(self, topic: str, number: int) -> Iterator[Any]:
        """Yield so many messages of a topic at most, from all over the recording."""
        reader = self._reader()
        connections = [c for c in reader.connections if c.topic == topic]
        times_ns = np.linspace(reader.start_time, reader.end_time, number + 1).astype(np.int64)
        for begin_ns, end_ns in zip(times_ns[:-1].tolist(), times_ns[1:].tolist(), strict=True):
            found = next(reader.messages(connections, begin_ns - 1, end_ns + 1), None)
            if found is not None:
                yield _typestore().deserialize_cdr(found[2], found[0].msgtype)

    def first(self, topic: str) -> Any:
        """Return the first message of a topic, or None."""
        return next(self.messages(topic), None)

    @staticmethod
    def _opened_message(raw: bytes, connection: Any) -> Any:
        """Return a message, also of a type that ROS does not have: the bag defines it."""
        types = _typestore()
        if connection.msgtype not in types.fielddefs:
            from rosbags.typesys import get_types_from_idl, get_types_from_msg

            definition = connection.msgdef
            if definition.format.name == "MSG":
                found = get_types_from_msg(definition.data, connection.msgtype)
            else:
                found = get_types_from_idl(definition.data)
            types.register(
                {name: one for name, one in found.items() if name not in types.fielddefs}
            )
        return types.deserialize_cdr(raw, connection.msgtype)

    def _reader(self) -> Any:
        # sqlite3 refuses a connection that another thread opened, and frames are read ahead.
        if not hasattr(self._readers, "open"):
            from rosbags.rosbag2 import Reader

            try:
                reader = Reader(self._opened)
                reader.open()
            except Exception as error:
                # rosbags reports a broken bag by many types: its own, sqlite3's, struct's.
                remedy = _remedy(self._opened)
                reason = " ".join(str(error).split()).rstrip(".")
                raise DatasetError(
                    f"bag {self.path} cannot be opened: {remedy or reason}"
                ) from error
            self._readers.open = reader
        return self._readers.open


def _files(folder: Path) -> list[Path]:
    """Return the recordings in a folder, also compressed ones."""
    if not folder.is_dir():
        return []
    return sorted(
        file
        for suffix in SUFFIXES
        for end in ("", ".zstd")
        for file in folder.glob(f"*{suffix}{end}")
    )


def _what_to_open(path: Path) -> Path:
    """Return the folder or the file that holds a recording."""
    if path.is_file() and (path.suffix == ".bag" or _starts_with(path, _ROS1_MARK)):
        raise DatasetError(
            f"{path} is a ROS 1 bag: convert it (pip install rosbags; rosbags-convert --src "
            f"{path.name} --dst {path.stem})"
        )
    if path.is_file() or (path / "metadata.yaml").is_file():
        return path
    files = _files(path)
    if len(files) > 1:
        raise DatasetError(
            f"bag {path} has {len(files)} files, but no metadata.yaml: make it (ros2 bag reindex "
            f"{path.name}), or give one of the files"
        )
    return files[0]


def _remedy(path: Path) -> str:
    """Return what is known of a recording that cannot be opened, or an empty string."""
    for file in [path] if path.is_file() else _files(path):
        if file.suffix == ".mcap" and not _ends_with(file, _MCAP_MARK):
            return (
                f"{file.name} is cut off, as after a crash: recover what is there "
                f"(mcap recover {file.name} -o whole.mcap) and give whole.mcap"
            )
        if file.suffix == ".db3" and not _starts_with(file, b"SQLite format 3"):
            return f"{file.name} is no SQLite file: copy it again"
    if path.is_dir() and not _files(path):
        return "metadata.yaml is there, but no .mcap or .db3 file: copy the whole folder"
    return ""


def _starts_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _ends_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(mark)))
        return file.read() == mark


def _typestore() -> Any:
    from rosbags.typesys import Stores, get_typestore

    if not _TYPESTORES:
        _TYPESTORES.append(get_typestore(Stores.ROS2_JAZZY))
    return _TYPESTORES[0]


_TYPESTORES: list[Any] = []


def _header_stamp_ns(raw: bytes) -> int:
    """Return the stamp of a message that starts with a header, without decoding the rest.

    -1 if it is no time: seconds below 0, or nanoseconds of a second or more.
    """
    byte_order = "<" if raw[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(f"{byte_order}iI", raw, 4)
    if seconds < 0 or nanoseconds >= 1_000_000_000:
        return -1
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
