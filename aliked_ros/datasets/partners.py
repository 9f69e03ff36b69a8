"""What to say about images whose right image, depth image or stamp is missing."""

from __future__ import annotations

import numpy as np

from aliked_ros.datasets import stamps
from aliked_ros.structs import Index


def unpaired(what: str, stamps_ns: Index, others_ns: Index, tolerance_ns: int) -> str:
    """Return how many images have no partner near enough, and how far it is, or an empty string.

    Args:
        what: name of the partner: "right image", "depth image".
        stamps_ns: (N,) int64, in order, of the images.
        others_ns: (M,) int64, in order, of the partners; none at all is no reason for a word.
        tolerance_ns: as in `stamps.nearest`.
    """
    if len(others_ns) == 0:
        return ""
    is_alone = stamps.nearest(stamps_ns, others_ns, tolerance_ns) < 0
    if not is_alone.any():
        return ""
    alone_ns = stamps_ns[is_alone]
    after = np.clip(np.searchsorted(others_ns, alone_ns), 0, len(others_ns) - 1)
    before = np.maximum(after - 1, 0)
    offsets_ns = np.minimum(
        np.abs(others_ns[before] - alone_ns), np.abs(others_ns[after] - alone_ns)
    )
    return (
        f"{len(alone_ns)} of {len(stamps_ns)} images have no {what} within "
        f"{tolerance_ns * 1e-6:g} ms (the nearest is {_shown(offsets_ns)} off; sync_slop_s is the "
        "limit): these frames come without it"
    )


def missing(what: str, num_missing: int, num_images: int) -> str:
    """Return how many images have no file as partner, or an empty string.

    Args:
        what: name of the partner.
        num_missing: images without one; all of them are no reason for a word.
        num_images: of the sequence.
    """
    if num_missing in (0, num_images):
        return ""
    return f"{num_missing} of {num_images} images have no {what}: these frames come without it"


def repeated(where: object, num_rows: int, num_kept: int) -> str:
    """Return how many rows of a list were left out because they repeat a stamp, or an empty string.

    Args:
        where: the list, for the text.
        num_rows: that it has.
        num_kept: stamps that differ.
    """
    if num_rows == num_kept:
        return ""
    return f"{num_rows - num_kept} of {num_rows} rows of {where} repeat a stamp: they are left out"


def counted(rate_hz: float, is_asked: bool) -> str:
    """Return that frames are counted at a rate for want of stamps; nothing if it was asked for."""
    if is_asked:
        return ""
    return f"there are no stamps: frames are counted at {rate_hz:g} Hz; a rate sets another"


def _shown(offsets_ns: Index) -> str:
    """Return the median offset, which is more telling than the smallest."""
    median_s = float(np.median(offsets_ns)) * 1e-9
    return f"{median_s * 1e3:.1f} ms" if median_s < 1 else f"{median_s:.1f} s"
