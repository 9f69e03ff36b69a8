"""Bytes of image messages and files -> grey or RGB pixels, and depth in metres."""

from __future__ import annotations

from aliked_ros.images.compressed import decode_compressed
from aliked_ros.images.compressed_depth import decode_compressed_depth
from aliked_ros.images.depth import (
    DEPTH_ENCODINGS,
    decode_depth,
    depth_from_metres,
    depth_from_millimetres,
    implausible_depth,
)
from aliked_ros.images.errors import ImageError
from aliked_ros.images.grey_range import GreyRange
from aliked_ros.images.raw import IMAGE_ENCODINGS, decode_image, message_fields

__all__ = [
    "DEPTH_ENCODINGS",
    "IMAGE_ENCODINGS",
    "GreyRange",
    "ImageError",
    "decode_compressed",
    "decode_compressed_depth",
    "decode_depth",
    "decode_image",
    "depth_from_metres",
    "depth_from_millimetres",
    "implausible_depth",
    "message_fields",
]
