"""Image files <-> grey or RGB pixels and depth, with broken files told apart from good ones."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from aliked_ros.datasets.options import MAX_MEGAPIXELS
from aliked_ros.datasets.whole_files import write_whole
from aliked_ros.images.compressed import decode_compressed
from aliked_ros.images.errors import ImageError
from aliked_ros.images.file_size import is_whole, picture_size
from aliked_ros.images.grey_range import GreyRange
from aliked_ros.images.picture import read_picture
from aliked_ros.structs import AnyArray, Pixels

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp")


def read_image(
    path: Path, grey_range: GreyRange | None = None, max_megapixels: float = MAX_MEGAPIXELS
) -> Pixels:
    """Return (H, W) grey or (H, W, 3) RGB pixels of a file.

    Args:
        path: of the file.
        grey_range: of images of 16 bits; None: the range that is there.
        max_megapixels: that are decoded; 0: any number.

    Raises:
        ImageError: naming the file and what is wrong with it.
    """
    data = _read_bytes(path)
    try:
        return decode_compressed(data, "", grey_range, max_megapixels)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def read_rgb(path: Path) -> Pixels:
    """Return an image file as (H, W, 3) RGB, grey ones too; errors as in `read_image`."""
    image = read_image(path)
    return np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image


def read_raw_depth(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> AnyArray:
    """Return the (H, W) units of a depth file: uint16, or float32 of a TIFF.

    Raises:
        ImageError: naming the file and what is wrong with it.
    """
    data = _read_bytes(path)
    try:
        raw = read_picture(data, max_megapixels)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    if raw.ndim != 2 or raw.dtype not in (np.uint16, np.float32):
        raise ImageError(
            f"{path}: a depth image has 16 bits (or floating point numbers) in one channel, this "
            f"one is {raw.dtype} of shape {raw.shape}"
        )
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
    is_encoded, data = cv2.imencode(path.suffix, stored, how)
    if not is_encoded:
        raise OSError(f"{path} cannot be written: the image cannot be stored as {path.suffix}")
    write_whole(path, data.tobytes())


def list_images(folder: Path) -> list[Path]:
    """Return the image files of a folder; numbers in their names count as numbers."""
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(files, key=_natural_order)


def size_of_first(paths: list[Path]) -> tuple[int, int] | None:
    """Return (height, width) of the first readable image, or None."""
    for path in paths:
        with suppress(OSError):
            if (size := picture_size(path.read_bytes())) is not None:
                return size[1], size[0]
    return None


def _natural_order(path: Path) -> list[tuple[int, int | str]]:
    parts = re.findall(r"\d+|\D+", path.stem)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def _read_bytes(path: Path) -> bytes:
    """Return the bytes of a picture file that is there to its end."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error
    if not data:
        raise ImageError(f"{path}: the file is empty")
    if picture_size(data) is None:
        raise ImageError(f"{path}: this is no readable PNG, JPEG, TIFF, WebP, BMP or PNM file")
    if not is_whole(data):
        raise ImageError(f"{path}: the file is cut off or damaged ({len(data)} bytes)")
    return data
