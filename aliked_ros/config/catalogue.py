"""Which node has which parameters: for README, config/aliked.yaml and typing errors."""

from __future__ import annotations

from dataclasses import Field, dataclass, fields
from typing import Any

from aliked_ros.config import (
    Config,
    ExtractorConfig,
    MatcherConfig,
    OdometryConfig,
    ScaleConfig,
    StereoConfig,
)
from aliked_ros.config.companions import OverlayConfig, PageConfig, PlayerConfig, RecorderConfig
from aliked_ros.config.nodes import (
    CamerasConfig,
    FramesConfig,
    ImageConfig,
    InputsConfig,
    LifecycleConfig,
    OutputsConfig,
    StreamConfig,
    ViewConfig,
)
from aliked_ros.config.reading import ReadingConfig

# Node -> prefix and config of its parameters, in the order in which a reader wants them.
NODES: dict[str, tuple[tuple[str, type[Config]], ...]] = {
    "aliked_extractor": (
        ("extractor", ExtractorConfig),
        ("", StreamConfig),
        ("", CamerasConfig),
        ("", ViewConfig),
        ("", ImageConfig),
        ("", LifecycleConfig),
    ),
    "aliked_tracker": (
        ("odometry", OdometryConfig),
        ("matcher", MatcherConfig),
        ("stereo", StereoConfig),
        ("", ScaleConfig),
        ("", FramesConfig),
        ("", InputsConfig),
        ("", OutputsConfig),
        ("", ImageConfig),
        ("", LifecycleConfig),
    ),
    "aliked_overlay": (("", OverlayConfig), ("", ImageConfig), ("", LifecycleConfig)),
    "aliked_view": (("", PageConfig), ("", ImageConfig), ("", LifecycleConfig)),
    "aliked_player": (("read", ReadingConfig), ("", PlayerConfig), ("", LifecycleConfig)),
    "aliked_recorder": (("", RecorderConfig), ("", LifecycleConfig)),
}


@dataclass(frozen=True)
class Entry:
    """A parameter of a node.

    Attributes:
        name: with its prefix.
        field: of the config.
        config: that it belongs to.
    """

    name: str
    field: Field[Any]
    config: type[Config]


def parameters_of(node: str) -> list[Entry]:
    """Return the parameters of a node."""
    return [
        Entry(f"{prefix}.{field.name}" if prefix else field.name, field, config)
        for prefix, config in NODES[node]
        for field in fields(config)
    ]


def all_names() -> set[str]:
    """Return the names of the parameters of all nodes."""
    return {entry.name for node in NODES for entry in parameters_of(node)}
