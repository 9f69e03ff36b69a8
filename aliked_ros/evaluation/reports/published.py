"""Figures of the papers, to stand beside ours where the protocol is the same."""

from __future__ import annotations

from collections.abc import Sequence
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
_HPATCHES_PAIRS = 540


def is_papers_protocol(
    pairs: Sequence[str], max_keypoints: int, detection_threshold: float, estimator: str
) -> bool:
    """Return whether HPATCHES is about the same pairs, budget and estimator.

    Args:
        pairs: names of the pairs, as of `evaluation.homography.pairs`.
        max_keypoints: at most this many per image.
        detection_threshold: of the score map.
        estimator: of the homography.
    """
    is_hpatches = all(name.startswith(("i_", "v_")) for name in pairs)
    given = (max_keypoints, detection_threshold, estimator)
    return is_hpatches and len(pairs) == _HPATCHES_PAIRS and given == (5000, 0.2, "opencv")


# ALIKED, Table I: 640x480, 1000 keypoints, RTX 2060.
FRAMES_PER_SECOND = {
    "aliked-t16": 125.87,
    "aliked-n16": 77.40,
    "aliked-n32": 75.64,
    "alike-n": 84.96,
}
