"""Everything that the parameters of the tracker say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aliked_ros.config import MatcherConfig, OdometryConfig, ScaleConfig, StereoConfig
from aliked_ros.config.nodes import FramesConfig, ImageConfig, InputsConfig, OutputsConfig
from aliked_ros.nodes.base.managed_node import ManagedNode


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


class SettingsParameters:
    """Declares the parameters of the tracker.

    Args:
        node: gets them.
        on_change: called after a change.

    Raises:
        ValueError: if a value is not allowed.
    """

    def __init__(self, node: ManagedNode, on_change: Callable[[], None]) -> None:
        def changed(_: object) -> None:
            on_change()

        self._images = node.parameters(ImageConfig)
        self._inputs = node.parameters(InputsConfig, "", changed)
        self._frames = node.parameters(FramesConfig)
        self._outputs = node.parameters(OutputsConfig)
        self._matcher = node.parameters(MatcherConfig, "matcher", changed)
        self._odometry = node.parameters(OdometryConfig, "odometry", changed)
        self._stereo = node.parameters(StereoConfig, "stereo", changed)
        self._scale = node.parameters(ScaleConfig)
        self.value()

    def value(self) -> TrackerSettings:
        """Return what the parameters say now.

        Raises:
            ValueError: if two values contradict each other.
        """
        return TrackerSettings(
            images=self._images.value,
            inputs=self._inputs.value,
            frames=self._frames.value,
            outputs=self._outputs.value,
            matcher=self._matcher.value,
            odometry=self._odometry.value,
            stereo=self._stereo.value,
            scale=self._scale.value,
        )
