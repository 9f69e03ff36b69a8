"""Real-time ALIKED local features and visual odometry for ROS 2."""

from __future__ import annotations

from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

# Python started in the repository finds this folder first; .msg and .srv lie in the overlay only.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
__all__ = [
    "Camera",
    "Extractor",
    "ExtractorConfig",
    "Features",
    "Frame",
    "MatcherConfig",
    "Matches",
    "OdometryConfig",
    "OdometryResult",
    "State",
    "StereoConfig",
    "StereoDepth",
    "VisualOdometry",
    "__version__",
    "match",
    "open_sequence",
    "sample_depth",
]

if TYPE_CHECKING:
    from aliked_ros.config import ExtractorConfig, MatcherConfig, OdometryConfig, StereoConfig
    from aliked_ros.datasets import open_sequence
    from aliked_ros.extractor import Extractor
    from aliked_ros.matching import match
    from aliked_ros.odometry import (
        OdometryResult,
        State,
        StereoDepth,
        VisualOdometry,
        sample_depth,
    )
    from aliked_ros.structs import Camera, Features, Frame, Matches

_HOMES = {
    "Camera": "structs",
    "Extractor": "extractor",
    "ExtractorConfig": "config",
    "Features": "structs",
    "Frame": "structs",
    "MatcherConfig": "config",
    "Matches": "structs",
    "OdometryConfig": "config",
    "OdometryResult": "odometry",
    "State": "odometry",
    "StereoConfig": "config",
    "StereoDepth": "odometry",
    "VisualOdometry": "odometry",
    "match": "matching",
    "open_sequence": "datasets",
    "sample_depth": "odometry",
}


def __getattr__(name: str) -> Any:
    # Importing a message (aliked_ros.msg) runs this file too; it must not cost an import of torch.
    if name not in _HOMES:
        raise AttributeError(f"module 'aliked_ros' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"aliked_ros.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
