"""Figures of the papers, to stand beside ours where the protocol is the same."""

from __future__ import annotations

from typing import NamedTuple


class HPatchesFigures(NamedTuple):
    """Percent over the 540 pairs of 108 sequences, original size; None where not published."""

    mma_3: float | None
    mha_3: float | None


# ALIKED, Table IV; up to 5000 keypoints above 0.2, mutual nearest neighbours, OpenCV's RANSAC.
HPATCHES = {
    "aliked-t16": HPatchesFigures(72.99, 78.70),
    "aliked-n16": HPatchesFigures(74.43, 77.22),
    "aliked-n32": HPatchesFigures(75.26, 74.44),
    "alike-n": HPatchesFigures(70.78, 75.74),
    "alike-l": HPatchesFigures(70.50, 76.85),
}
HPATCHES_PAIRS = 540

# ALIKED, Table I: 640x480, 1000 keypoints, RTX 2060.
FRAMES_PER_SECOND = {
    "aliked-t16": 125.87,
    "aliked-n16": 77.40,
    "aliked-n32": 75.64,
    "alike-n": 84.96,
}
