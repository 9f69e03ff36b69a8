"""Everything that the parameters of the tracker say."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node

from aliked_ros.config import MatcherConfig, OdometryConfig, ScaleConfig, StereoConfig
from aliked_ros.config.nodes import FramesConfig, ImageConfig, InputsConfig, OutputsConfig
from aliked_ros.nodes.base.parameters import read_config


@dataclass(frozen=True)
class TrackerSettings:
    """The configs of the tracker.

    Raises:
        ValueError: if two of them contradict each other.
    """

    images: ImageConfig
    inputs: InputsConfig
    frames: FramesConfig
    outputs: OutputsConfig
    matcher: MatcherConfig
    odometry: OdometryConfig
    stereo: StereoConfig
    scale: ScaleConfig

    def __post_init__(self) -> None:
        source, sensor = self.scale.scale_source, self.odometry.sensor
        if source != "none" and sensor != "mono":
            raise ValueError(
                f"scale_source is {source!r} and odometry.sensor is {sensor!r}, which measures "
                "metres itself: set scale_source to 'none'"
            )


def read_settings(node: Node) -> TrackerSettings:
    """Declare the parameters of the tracker and return what they say.

    Raises:
        ValueError: if a value is not allowed.
    """
    return TrackerSettings(
        images=read_config(node, ImageConfig),
        inputs=read_config(node, InputsConfig),
        frames=read_config(node, FramesConfig),
        outputs=read_config(node, OutputsConfig),
        matcher=read_config(node, MatcherConfig, "matcher"),
        odometry=read_config(node, OdometryConfig, "odometry"),
        stereo=read_config(node, StereoConfig, "stereo"),
        scale=read_config(node, ScaleConfig),
    )
