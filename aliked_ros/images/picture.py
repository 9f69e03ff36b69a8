"""A picture file in memory -> its values as they are, with broken files told apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import cv2
import numpy as np

from aliked_ros.images.errors import ImageError, check_pixels
from aliked_ros.images.file_size import is_whole, picture_size
from aliked_ros.structs import AnyArray

_SILENT = 0  # of OpenCV's levels


@contextmanager
def silence() -> Iterator[None]:
    """Keep OpenCV from printing what is said in our words."""
    logging: Any = cv2 if hasattr(cv2, "setLogLevel") else vars(cv2.utils)["logging"]  # OpenCV 4, 5
    level = logging.getLogLevel()
    logging.setLogLevel(_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)


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
        with suppress(cv2.error), silence():  # its words are about OpenCV's sources
            raw = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if raw is None or raw.size == 0:
        raise ImageError(f"{named} is cut off or damaged: check the camera driver or the transport")
    if raw.dtype not in (np.uint8, np.uint16, np.float32):
        raise ImageError(f"{named} holds values of type {raw.dtype}: use 8 or 16 bits")
    if raw.ndim == 3 and raw.shape[2] not in (3, 4):
        raise ImageError(f"{named} has {raw.shape[2]} channels: use 1, 3 or 4")
    return raw
