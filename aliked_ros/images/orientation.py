"""By how much a viewer turns a JPEG picture: its EXIF orientation."""

from __future__ import annotations

import struct

from aliked_ros.images.file_size import find_marker

_TURNS_DEG = {3: 180, 6: 90, 8: 270}  # clockwise; the mirrored ones are of no camera
_ORIENTATION = 0x0112
_SHORT = 3


def turn_of_picture(data: bytes) -> int:
    """Return by how many degrees clockwise a JPEG file is to be turned for display; 0 if not."""
    try:
        return _TURNS_DEG.get(_orientation(data), 0)
    except (struct.error, IndexError):
        return 0  # cut off in its header


def _orientation(data: bytes) -> int:
    """Return the orientation as EXIF counts it, 1 where nothing says one."""
    at = find_marker(data, frozenset({0xE1})) if data[:2] == b"\xff\xd8" else None
    if at is None or data[at + 4 : at + 10] != b"Exif\0\0":
        return 1
    tiff = data[at + 10 :]
    order = "<" if tiff[:2] == b"II" else ">"
    (first,) = struct.unpack(order + "I", tiff[4:8])
    (count,) = struct.unpack(order + "H", tiff[first : first + 2])
    for index in range(count):
        begin = first + 2 + 12 * index
        tag, kind, _, value = struct.unpack(order + "HHIH", tiff[begin : begin + 10])
        if tag == _ORIENTATION and kind == _SHORT:
            return int(value)
    return 1
