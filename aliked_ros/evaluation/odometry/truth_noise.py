"""What is known about the noise of the ground truth of recorded sequences, by layout."""

from __future__ import annotations

# An error of the odometry below these says nothing, and no covariance can be checked against them.
TRUTH_NOISE = {
    "synthetic": "exact",
    "7scenes": "about 2 cm (poses of a depth-based reconstruction); motions over 10 frames of "
    "redkitchen disagree with pose estimation from its own images by 15 mm and 0.46 deg",
    "kitti": "motions over 10 frames disagree with pose estimation by about 0.4 deg in the first "
    "100 frames of sequence 00 (satellite positioning with an inertial sensor)",
}
UNKNOWN = "not known"


def statements(sequences: dict[str, str]) -> list[str]:
    """Return a line per sequence on the noise of its ground truth, from name -> layout."""
    return [
        f"Ground truth of {name}: {TRUTH_NOISE.get(layout, UNKNOWN)}."
        for name, layout in sequences.items()
    ]
