"""Which stamps of a recorded topic can be believed."""

from __future__ import annotations

import numpy as np

from aliked_ros.datasets import stamps
from aliked_ros.structs import Index

_FAR_NS = 10_000_000_000  # from the usual distance to the time of recording
_REORDERED_NS = 1_000_000_000  # by which messages may overtake each other on their way
_MAX_FAR_SHARE = 0.1  # more of them agree with each other: then the clock was set
_REMEDY = "--stamps recorded takes the times of recording instead"


def believable(topic: str, table: Index) -> tuple[Index, list[str]]:
    """Return the rows whose stamps are some, in their order, and what was left out.

    Args:
        topic: for the remarks.
        table: (M, 2) stamp of the header, negative if it is no time, and time of recording, ns,
            in the order of recording.
    """
    remarks = []
    if len(table) and (table[:, 0] <= 0).all():
        what = "are no time" if (table[:, 0] < 0).any() else "are zero"
        table = table.copy()
        table[:, 0] = table[:, 1]
        remarks.append(
            f"the driver leaves the stamps of {topic} empty (all {len(table)} {what}): the times "
            "of recording count"
        )
    is_broken = table[:, 0] < 0
    if is_broken.any():
        remarks.append(
            f"{is_broken.sum()} of {len(table)} stamps of {topic} are no time (seconds below 0, or "
            f"nanoseconds of a second or more): these messages are left out; {_REMEDY}"
        )
        table = table[~is_broken]
    is_empty = table[:, 0] == 0
    if is_empty.any():
        remarks.append(
            f"{is_empty.sum()} of {len(table)} stamps of {topic} are zero, which is the driver's "
            f"fault: these messages are left out; {_REMEDY}"
        )
        table = table[~is_empty]
    offsets_ns = table[:, 0] - table[:, 1]
    is_far = np.abs(offsets_ns - np.median(offsets_ns)) > _FAR_NS if len(table) else is_empty[:0]
    if 0 < is_far.sum() <= _MAX_FAR_SHARE * len(table):
        worst_s = float(np.abs(offsets_ns - np.median(offsets_ns)).max()) * 1e-9
        remarks.append(
            f"{is_far.sum()} of {len(table)} stamps of {topic} are up to {worst_s:.0f} s from the "
            f"others: these messages are left out; {_REMEDY}"
        )
        table = table[~is_far]
    steps_ns = np.diff(table[:, 0])
    if len(steps_ns) and steps_ns.min() < -_REORDERED_NS:
        remarks.append(
            f"the stamps of {topic} go back by up to {-steps_ns.min() * 1e-9:.1f} s in "
            f"{int((steps_ns < -_REORDERED_NS).sum())} places (a recording of a loop, or a clock "
            f"that was set): messages are read in the order of their stamps; {_REMEDY}"
        )
    order = stamps.increasing(table[:, 0])
    if len(order) < len(table):
        remarks.append(
            f"{len(table) - len(order)} of {len(table)} messages of {topic} repeat a stamp: they "
            f"are left out; {_REMEDY}"
        )
    return table[order], remarks
