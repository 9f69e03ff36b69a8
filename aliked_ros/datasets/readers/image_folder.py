"""A folder of images, with stamps from their names where these are stamps."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import numpy as np

from aliked_ros.datasets import camera_files, partners, stamps, tum_rows
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.image_files import list_images
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.file_sequence import Files, FileSequence
from aliked_ros.datasets.sequence import Calibration
from aliked_ros.images.orientation import turn_of_picture
from aliked_ros.structs import Index

DEFAULT_RATE_HZ = 30.0
_HEADER_BYTES = 262144  # that hold a picture's EXIF data
_SUBFOLDERS = ("", "images", "image", "rgb", "color", "left", "data")

_DEPTH_FOLDERS = ("depth", "depths", "depth_images")
_RIGHT_FOLDERS = ("right", "image_1", "image_right")
_HOW_DEPTH_IS_READ = "list both in rgb.txt and depth.txt, or in associations.txt (TUM RGB-D)"
_HOW_PAIRS_ARE_READ = "name the folders image_0 and image_1 beside a calib.txt (KITTI)"


class ImageFolderSequence(FileSequence):
    """Images in the folder itself or in its images/ (image/, rgb/, color/, left/, data/)."""

    layout = "images"
    looks_for = "image files, in the folder or in its images/ (image folder)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return bool(_find_images(path))

    def __init__(self, path: Path, options: Options) -> None:
        images = _find_images(path)
        file = path / "groundtruth.txt"
        truth = tum_rows.read(file) if file.is_file() else None
        named_ns = _stamps_in_names(images)
        has_stamps = named_ns is not None
        remark = ""
        if named_ns is not None:
            order, remark = partners.in_order("names", named_ns)
            images, stamps_ns = [images[i] for i in order], named_ns[order]
        else:
            stamps_ns = _counted_stamps(len(images), truth, options.rate_hz)
            is_told = bool(options.rate_hz) or (truth is not None and len(truth) == len(images))
            remark = partners.counted(DEFAULT_RATE_HZ, is_told)
        super().__init__(
            path.resolve().name,
            stamps_ns,
            Files(images),
            camera_files.override(Calibration(), path, options),
            options,
            ground_truth=truth,
            has_stamps=has_stamps,
            remarks=[*_not_read(path), remark, _turned(images)],
        )


def _turned(images: list[Path]) -> str:
    """Return that viewers turn the first image, or an empty string."""
    with suppress(OSError), images[0].open("rb") as file:
        turn_deg = turn_of_picture(file.read(_HEADER_BYTES))
        return partners.how_turned(f"the images by {turn_deg} deg (EXIF)") if turn_deg else ""
    return ""


def _not_read(path: Path) -> list[str]:
    """Return what lies beside the images and is not read."""
    beside = [name for name in (*_DEPTH_FOLDERS, *_RIGHT_FOLDERS) if list_images(path / name)]
    return [
        f"{name}/ is not read, only the images of one camera are: {_HOW_DEPTH_IS_READ}"
        if name in _DEPTH_FOLDERS
        else f"{name}/ is not read, only the images of one camera are: {_HOW_PAIRS_ARE_READ}"
        for name in beside
    ]


def _find_images(path: Path) -> list[Path]:
    return next(filter(None, (list_images(path / name) for name in _SUBFOLDERS)), [])


def _stamps_in_names(images: list[Path]) -> Index | None:
    """Return stamps if every name is one: seconds with decimals, or whole nanoseconds.

    Whole milli- or microseconds are told from these by their year.
    """
    names = [image.stem for image in images]
    if all(re.fullmatch(r"\d+\.\d{3,9}", name) for name in names):
        return np.array([stamps.seconds_to_ns(name) for name in names], np.int64)
    for num_digits, unit_ns in ((13, 1_000_000), (16, 1_000)):
        if all(_is_recent(name, num_digits, unit_ns) for name in names):
            return np.array([int(name) * unit_ns for name in names], np.int64)
    if all(re.fullmatch(r"\d{16,19}", name) for name in names):
        return np.array([stamps.whole_ns(name) for name in names], np.int64)
    return None


def _is_recent(name: str, num_digits: int, unit_ns: int) -> bool:
    """Return whether a name is a time between 2001 and 2100."""
    is_number = re.fullmatch(rf"\d{{{num_digits}}}", name) is not None
    return is_number and 1e18 < int(name) * unit_ns < 4.1e18


def _counted_stamps(num_images: int, truth: GroundTruth | None, rate_hz: float) -> Index:
    """Return stamps at a rate; ground truth with one row per image tells them better."""
    if truth is not None and len(truth) == num_images and not rate_hz:
        return truth.stamps_ns
    return stamps.at_rate(num_images, rate_hz or DEFAULT_RATE_HZ)
