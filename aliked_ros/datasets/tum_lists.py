"""The lists of a folder in the TUM RGB-D layout: rgb.txt and depth.txt, or associations.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aliked_ros.datasets import partners, stamps
from aliked_ros.datasets.image_files import IMAGE_SUFFIXES
from aliked_ros.datasets.sequence import DatasetError
from aliked_ros.datasets.text_files import read_text
from aliked_ros.structs import Index

MAX_DEPTH_OFFSET_NS = 20_000_000
_ASSOCIATIONS = ("associations.txt", "association.txt", "associate.txt", "assoc.txt")
_ENDINGS = "|".join(re.escape(suffix) for suffix in IMAGE_SUFFIXES)
_ROW = re.compile(r"(\S+)\s+(\S.*)")
_PAIR = re.compile(rf"(\S+)\s+(.+?(?:{_ENDINGS}))\s+(\S+)\s+(\S.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Lists:
    """What a folder lists.

    Attributes:
        stamps_ns: (N,) int64, increasing, of the images.
        images: file of each.
        depths: file of the depth image of each, or None.
        depth_offsets_s: its stamp minus that of the image, s; 0 where it is None or not told.
        remarks: what is missing, a sentence each.
    """

    stamps_ns: Index
    images: list[Path]
    depths: list[Path | None]
    remarks: tuple[str, ...] = ()
    depth_offsets_s: tuple[float, ...] = ()


def find_associations(folder: Path) -> Path | None:
    """Return the file that lists images and depth images in pairs, if there is one."""
    return next((folder / name for name in _ASSOCIATIONS if (folder / name).is_file()), None)


def read_lists(folder: Path, max_offset_ns: int = MAX_DEPTH_OFFSET_NS) -> Lists:
    """Return the images of a folder with the depth images that belong to them.

    Args:
        folder: that holds the lists.
        max_offset_ns: by which stamps of an image and its depth may differ; associations.txt
            tells without stamps.

    Raises:
        DatasetError: naming the file and the line that is none.
    """
    pairs = find_associations(folder)
    if pairs is not None and not ((folder / "rgb.txt").is_file() and _depth_list(folder)):
        return _read_pairs(pairs)
    stamps_ns, images, repeated = _read_list(folder / "rgb.txt")
    depth_list = _depth_list(folder)
    if depth_list is None:
        has_depth = any((folder / "depth").glob("*")) if (folder / "depth").is_dir() else False
        remark = (
            "depth/ is not read: depth.txt or associations.txt, which say what belongs together, "
            "is missing"
        )
        return Lists(
            stamps_ns, images, [None] * len(images), (repeated, remark if has_depth else "")
        )
    depth_stamps_ns, depth_files, depth_repeated = _read_list(depth_list)
    nearest = stamps.nearest(stamps_ns, depth_stamps_ns, max_offset_ns)
    pairs_ns = zip(nearest, stamps_ns, strict=True)
    offsets_s = [(depth_stamps_ns[i] - at_ns) * 1e-9 if i >= 0 else 0.0 for i, at_ns in pairs_ns]
    remark = partners.unpaired("depth image", stamps_ns, depth_stamps_ns, max_offset_ns)
    return Lists(
        stamps_ns,
        images,
        [depth_files[i] if i >= 0 else None for i in nearest],
        (repeated, depth_repeated, remark),
        tuple(offsets_s),
    )


def _depth_list(folder: Path) -> Path | None:
    return folder / "depth.txt" if (folder / "depth.txt").is_file() else None


def _read_list(path: Path) -> tuple[Index, list[Path], str]:
    """Return stamps and files of rows "stamp file", in the order of time, and what to say."""
    rows = _read_rows(path, _ROW, "stamp file")
    listed_ns = np.array([stamp_ns for stamp_ns, _ in rows], np.int64)
    order, remark = partners.in_order(path, listed_ns)
    return listed_ns[order], [_file(path, rows[i][1][1]) for i in order], remark


def _read_pairs(path: Path) -> Lists:
    """Return what rows "stamp image stamp depth" list; the depth image may come first."""
    rows = _read_rows(path, _PAIR, "stamp image stamp depth")
    if rows and _is_depth(rows[0][1][1]) and not _is_depth(rows[0][1][3]):
        swapped = [(fields[2], fields[3], fields[0], fields[1]) for _, fields in rows]
        rows = [(stamps.seconds_to_ns(fields[0]), fields) for fields in swapped]
    listed_ns = np.array([stamp_ns for stamp_ns, _ in rows], np.int64)
    order, remark = partners.in_order(path, listed_ns)
    return Lists(
        listed_ns[order],
        [_file(path, rows[i][1][1]) for i in order],
        [_file(path, rows[i][1][3]) for i in order],
        (remark,),
    )


def _file(path: Path, name: str) -> Path:
    """Return the file that a list names, also as Windows writes it."""
    return path.parent / name.replace("\\", "/")


def _is_depth(file: str) -> bool:
    return "depth" in file.lower()


def _read_rows(path: Path, pattern: re.Pattern[str], row: str) -> list[tuple[int, tuple[str, ...]]]:
    """Return the first stamp and the fields of each row; file names may hold blanks."""
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = pattern.fullmatch(text)
        if found is None:
            raise DatasetError(f"{path}, line {number}: a row is '{row}', got {line!r}")
        try:
            rows.append((stamps.seconds_to_ns(found[1]), found.groups()))
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}: {error}") from error
    return rows
