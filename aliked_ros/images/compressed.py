"""A picture file in memory, as sensor_msgs/CompressedImage holds it -> grey or RGB pixels."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import cv2
import numpy as np

from aliked_ros.images.errors import ImageError, check_pixels
from aliked_ros.images.file_size import is_whole, picture_size
from aliked_ros.images.grey_range import GreyRange
from aliked_ros.images.raw import BAYER
from aliked_ros.structs import AnyArray, Pixels

# Words in `format` that name what is no picture file -> what to do.
_NO_PICTURES = {
    "compressedDepth": "this is a depth image: it belongs to depth/image_raw/compressedDepth with "
    "depth_transport 'compressedDepth'",
    "theora": "republish it as 'compressed' (ros2 run image_transport republish)",
    "h264": "a stream of video frames: republish it as 'compressed' (ffmpeg_image_transport)",
    "h265": "a stream of video frames: republish it as 'compressed' (ffmpeg_image_transport)",
    "hevc": "a stream of video frames: republish it as 'compressed' (ffmpeg_image_transport)",
    "ffmpeg": "a stream of video frames: republish it as 'compressed' (ffmpeg_image_transport)",
    "zstd": "republish it as 'compressed' (ros2 run image_transport republish)",
}


def decode_compressed(
    data: Any, format: str = "", grey_range: GreyRange | None = None, max_megapixels: float = 0.0
) -> Pixels:
    """Turn a JPEG, PNG, TIFF or WebP file in memory into (H, W) grey or (H, W, 3) RGB, uint8.

    Args:
        data: the file, any object with the buffer protocol.
        format: of the message, as image_transport writes it: "bayer_rggb8; png compressed ". It
            tells a mosaic from a grey image, and the order of colours.
        grey_range: of images of 16 bits; None: the range that is there.
        max_megapixels: that are decoded; 0: any number.

    Raises:
        ImageError: if it is no such file or has too many pixels.
    """
    encoding, _, how = (part.strip() for part in format.partition(";"))
    for word, remedy in _NO_PICTURES.items():
        if word.lower() in format.lower():
            raise ImageError(f"format is {format!r}: {remedy}")
    raw = read_picture(data, max_megapixels, format)
    pixels = (grey_range or GreyRange()).to_8_bit(raw)
    if pixels.ndim == 2:
        return _from_mosaic(pixels, encoding)
    # image_transport: without "bgr" the colours were stored as the message had them.
    is_rgb = encoding.lower().startswith("rgb") and bool(how) and "compressed rgb" in how
    if pixels.shape[2] == 4:
        return cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB if is_rgb else cv2.COLOR_BGRA2RGB)
    return pixels if is_rgb else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def read_picture(data: Any, max_megapixels: float = 0.0, format: str = "") -> AnyArray:
    """Return the picture of a file as OpenCV gives it: (H, W[, C]), colours as BGR.

    Raises:
        ImageError: if it is no picture file or has too many pixels; nothing was decoded then.
    """
    encoded = np.frombuffer(data, np.uint8)
    named = f"compressed image of {encoded.size} bytes" + (
        f" (format {format!r})" if format else ""
    )
    file = encoded.tobytes()
    size = picture_size(file)
    if size is None:
        raise ImageError(
            f"{named} is not a readable JPEG, PNG, TIFF or WebP: check the camera driver or "
            "image_transport"
        )
    check_pixels(*size, max_megapixels)
    raw: AnyArray | None = None
    if is_whole(file):
        with suppress(cv2.error):  # its words are about OpenCV's sources
            raw = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if raw is None or raw.size == 0:
        raise ImageError(f"{named} is cut off or damaged: check the camera driver or the transport")
    if raw.dtype not in (np.uint8, np.uint16, np.float32):
        raise ImageError(f"{named} holds values of type {raw.dtype}: use 8 or 16 bits")
    if raw.ndim == 3 and raw.shape[2] not in (3, 4):
        raise ImageError(f"{named} has {raw.shape[2]} channels: use 1, 3 or 4")
    return raw


def _from_mosaic(pixels: Pixels, encoding: str) -> Pixels:
    """Return the colours of a mosaic, if the encoding says that it is one."""
    code = BAYER.get(encoding.lower().rstrip("0123456789"))
    if code is None:
        return pixels
    if min(pixels.shape) < 3:
        raise ImageError(f"image is {pixels.shape[1]}x{pixels.shape[0]} with encoding {encoding!r}")
    return cv2.cvtColor(pixels, code)
