"""Recorded sequences of many layouts as one stream of frames."""

from aliked_ros.datasets.door import LAYOUTS, open_sequence
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.sequence import DatasetError, FrameError, Sequence

__all__ = [
    "LAYOUTS",
    "DatasetError",
    "FrameError",
    "GroundTruth",
    "Options",
    "Sequence",
    "open_sequence",
]
