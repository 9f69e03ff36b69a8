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


def in_order(where: object, listed_ns: Index) -> tuple[Index, str]:
    """Return the positions of the rows of a list in the order of time, and what was left out.

    Rows that repeat a stamp are, and single stamps far from all others.

    Args:
        where: the list, for the text.
        listed_ns: (N,) int64, in any order.
    """
    order = stamps.increasing(listed_ns)
    num_repeated = len(listed_ns) - len(order)
    is_far = stamps.are_far(listed_ns[order])
    far = ", ".join(stamps.ns_to_seconds(int(at_ns)) for at_ns in listed_ns[order][is_far][:3])
    remarks = []
    if num_repeated:
        remarks.append(f"{num_repeated} of {len(listed_ns)} rows of {where} repeat a stamp")
    if far:
        remarks.append(
            f"{is_far.sum()} of {len(listed_ns)} stamps of {where} are far from all others "
            f"({far} s)"
        )
    remark = "; ".join(remarks) + ": they are left out" if remarks else ""
    return order[~is_far], remark


def how_turned(how: str) -> str:
    """Return what is to be said of pictures that others turn, such as "its pictures by 90 deg"."""
    return (
        f"a viewer turns {how}: they are used as the camera stored them; the calibration must be "
        "of such ones"
    )


def counted(rate_hz: float, is_asked: bool) -> str:
    """Return that frames are counted at a rate for want of stamps; nothing if it was asked for."""
    if is_asked:
        return ""
    return f"there are no stamps: frames are counted at {rate_hz:g} Hz; a rate sets another"


def _shown(offsets_ns: Index) -> str:
    """Return the median offset, which is more telling than the smallest."""
    median_s = float(np.median(offsets_ns)) * 1e-9
    return f"{median_s * 1e3:.1f} ms" if median_s < 1 else f"{median_s:.1f} s"
