"""What each stage of the method adds: the same odometry without it, as configurations."""

from __future__ import annotations

from dataclasses import fields

from aliked_ros.config import OdometryConfig
from aliked_ros.evaluation.odometry.configuration import Configuration

_LEAST_KEYFRAMES = next(
    knob.metadata["minimum"] for knob in fields(OdometryConfig) if knob.name == "max_keyframes"
)
STAGES = (
    Configuration("newest keyframes", (("max_keyframes", _LEAST_KEYFRAMES), ("window_size", 1))),
    Configuration("+ bundle adjustment", (("max_keyframes", _LEAST_KEYFRAMES),)),
    Configuration("+ map"),
)
