"""The size of a picture file by its header, before anything is decoded."""

from __future__ import annotations

import re
import struct
import zlib

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15
_JPEG_BARE = frozenset(range(0xD0, 0xD9)) | {0x01}  # markers without a length


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a PNG, JPEG, TIFF, WebP, BMP or PNM file, px; None if it is none.

    Only the header is read, so that a small file cannot ask for much memory.
    """
    try:
        return _size_of(data)
    except (struct.error, IndexError, ValueError):
        return None  # cut off in its header


def is_whole(data: bytes) -> bool:
    """Return whether a PNG or JPEG file is there to its end, undamaged as far as it can tell.

    The libraries that decode them print complaints of their own, for every image.
    """
    if data[:2] == b"\xff\xd8":
        # Before the pixels, the end may be that of a small picture inside the header.
        pixels = find_marker(data, frozenset({0xDA}))
        return pixels is not None and data.rfind(b"\xff\xd9", pixels) >= 0
    if data[:4] == b"\x89PNG":
        return _is_whole_png(data)
    return True


def _is_whole_png(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        end = at + 12 + length
        if end > len(data):
            return False
        (checksum,) = struct.unpack(">I", data[end - 4 : end])
        if zlib.crc32(data[at + 4 : end - 4]) != checksum:
            return False
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at = end
    return False


def _size_of(data: bytes) -> tuple[int, int] | None:
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return struct.unpack(">II", data[16:24])
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _tiff_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    if data[:2] == b"BM":
        width, height = struct.unpack("<ii", data[18:26])
        return abs(width), abs(height)
    if re.match(rb"P[1-6]\s", data):
        return _pnm_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = find_marker(data, _JPEG_SIZES)
    if at is None:
        return None
    height, width = struct.unpack(">HH", data[at + 5 : at + 9])
    return width, height


def find_marker(data: bytes, wanted: frozenset[int]) -> int | None:
    """Return where the first of some segments of a JPEG file begins, None if there is none."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in wanted:
            return at
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _JPEG_BARE:
            at += 2
        else:
            at += 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0])
    return None


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack(order + "I", data[4:8])
    (count,) = struct.unpack(order + "H", data[at : at + 2])
    found = {}
    for index in range(count):
        entry = data[at + 2 + 12 * index : at + 14 + 12 * index]
        tag, kind = struct.unpack(order + "HH", entry[:4])
        if tag in (256, 257):
            code, size = ("H", 2) if kind == 3 else ("I", 4)
            (found[tag],) = struct.unpack(order + code, entry[8 : 8 + size])
    return (found[256], found[257]) if len(found) == 2 else None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _pnm_size(data: bytes) -> tuple[int, int]:
    words = re.sub(rb"#[^\n]*", b" ", data[:1000]).split()
    return int(words[1]), int(words[2])
