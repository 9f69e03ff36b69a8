"""Image files <-> grey or RGB pixels and depth, with broken files told apart from good ones."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from aliked_ros.images import ImageError, decode_compressed
from aliked_ros.structs import AnyArray, Pixels

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp")


def read_image(path: Path) -> Pixels:
    """Return (H, W) grey or (H, W, 3) RGB pixels of a file.

    Raises:
        ImageError: naming the file and what is wrong with it.
    """
    data = _read_bytes(path)
    try:
        return decode_compressed(data)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def read_rgb(path: Path) -> Pixels:
    """Return an image file as (H, W, 3) RGB, grey ones too; errors as in `read_image`."""
    image = read_image(path)
    return np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image


def read_raw_depth(path: Path) -> NDArray[np.uint16]:
    """Return the (H, W) uint16 units of a depth PNG.

    Raises:
        ImageError: naming the file and what is wrong with it.
    """
    data = _read_bytes(path)
    raw = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if raw is None or raw.ndim != 2 or raw.dtype != np.uint16:
        found = "unreadable" if raw is None else f"{raw.dtype} of shape {raw.shape}"
        raise ImageError(f"{path}: a depth image is a 16-bit grey PNG, this one is {found}")
    return raw


def write_image(path: Path, pixels: AnyArray, *, png_compression: int | None = None) -> None:
    """Write an image file; make its folder.

    Args:
        path: its suffix tells the form.
        pixels: (H, W) uint8 or uint16, or (H, W, 3) uint8 RGB.
        png_compression: of a PNG, from 0, quick and large, to 9, slow and small; None: quick.

    Raises:
        OSError: naming the file and what to check.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    how = [] if png_compression is None else [cv2.IMWRITE_PNG_COMPRESSION, png_compression]
    if not cv2.imwrite(str(path), stored, how):
        raise OSError(f"{path} cannot be written: check the folder's permissions and the disk")


def list_images(folder: Path) -> list[Path]:
    """Return the image files of a folder; numbers in their names count as numbers."""
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(files, key=_natural_order)


def size_of_first(paths: list[Path]) -> tuple[int, int] | None:
    """Return (height, width) of the first readable image, or None."""
    for path in paths:
        try:
            height, width = read_image(path).shape[:2]
        except ImageError:
            continue
        return height, width
    return None


def _natural_order(path: Path) -> list[tuple[int, int | str]]:
    parts = re.findall(r"\d+|\D+", path.stem)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error
    if _is_cut_off(data):
        raise ImageError(f"{path}: the file is cut off after {len(data)} bytes")
    return data


def _is_cut_off(data: bytes) -> bool:
    """Return whether a JPEG or PNG lacks its end; OpenCV would fill the rest with grey."""
    if data.startswith(b"\xff\xd8"):
        # Inside a scan neither marker can occur, so the last scan must be followed by an end.
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-4096:]
    return False
