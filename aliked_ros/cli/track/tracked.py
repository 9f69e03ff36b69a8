"""Configuration and outcome of a run over a sequence."""

from __future__ import annotations

from dataclasses import dataclass, field

from aliked_ros.config import ExtractorConfig, MatcherConfig, OdometryConfig, StereoConfig
from aliked_ros.datasets import FrameError
from aliked_ros.evaluation.odometry.records import FrameRecord


@dataclass(frozen=True)
class Configs:
    """Every knob of a run, by section."""

    extractor: ExtractorConfig
    matcher: MatcherConfig
    odometry: OdometryConfig
    stereo: StereoConfig


@dataclass(frozen=True)
class TrackRun:
    """The outcome of each frame.

    Attributes:
        weights_id: which parameters the network has.
        records: one per frame that was processed.
        errors: one per frame that could not be read.
    """

    weights_id: str
    records: list[FrameRecord] = field(default_factory=list)
    errors: list[FrameError] = field(default_factory=list)
