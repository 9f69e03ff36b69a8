"""Configuration and outcome of a run over a sequence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from aliked_ros.config import ExtractorConfig, MatcherConfig, OdometryConfig, StereoConfig
from aliked_ros.datasets.sequence import FrameError
from aliked_ros.evaluation.odometry.records import FrameRecord
from aliked_ros.odometry.result import State


@dataclass(frozen=True)
class Configs:
    """Every knob of a run, by section."""

    extractor: ExtractorConfig
    matcher: MatcherConfig
    odometry: OdometryConfig
    stereo: StereoConfig


@dataclass
class TrackRun:
    """The outcome of each frame.

    Attributes:
        weights_id: which parameters the network has.
        remarks: what was said of the sequence before.
        records: one per frame that was processed.
        errors: one per frame that could not be read.
        left_out: why right and depth images were left out -> how many.
        is_interrupted: whether it ended before the last frame.
    """

    weights_id: str
    remarks: list[str] = field(default_factory=list)
    records: list[FrameRecord] = field(default_factory=list)
    errors: list[FrameError] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    is_interrupted: bool = False

    @property
    def num_tracked(self) -> int:
        """Frames whose pose was measured."""
        return sum(record.state is State.TRACKING for record in self.records)
