"""The knobs: every default, its unit and its range, checked where a config is built."""

from aliked_ros.config.knobs import Config, knob
from aliked_ros.config.library import (
    MODELS,
    SCALE_SOURCES,
    SENSORS,
    ExtractorConfig,
    MatcherConfig,
    OdometryConfig,
    ScaleConfig,
    StereoConfig,
)

__all__ = [
    "MODELS",
    "SCALE_SOURCES",
    "SENSORS",
    "Config",
    "ExtractorConfig",
    "MatcherConfig",
    "OdometryConfig",
    "ScaleConfig",
    "StereoConfig",
    "knob",
]
