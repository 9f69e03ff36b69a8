"""A picture file in memory, as sensor_msgs/CompressedImage holds it -> grey or RGB pixels."""

from __future__ import annotations

from typing import Any

import cv2

from aliked_ros.images.errors import ImageError
from aliked_ros.images.grey_range import GreyRange
from aliked_ros.images.picture import read_picture
from aliked_ros.images.raw import BAYER
from aliked_ros.structs import Pixels

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


def _from_mosaic(pixels: Pixels, encoding: str) -> Pixels:
    """Return the colours of a mosaic, if the encoding says that it is one."""
    code = BAYER.get(encoding.lower().rstrip("0123456789"))
    if code is None:
        return pixels
    if min(pixels.shape) < 3:
        raise ImageError(f"image is {pixels.shape[1]}x{pixels.shape[0]} with encoding {encoding!r}")
    return cv2.cvtColor(pixels, code)
