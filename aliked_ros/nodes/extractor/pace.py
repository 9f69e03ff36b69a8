"""Which images are worked on, with how many keypoints, and what is said about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from rclpy.node import Node

from aliked_ros.config.nodes import StreamConfig
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.pacing import KeypointBudget, RateLimit

_LOG_PERIOD_S = 10.0


class Pace:
    """Holds the rates that a stream is to have, from the newest configuration on.

    Args:
        node: says when the number of keypoints changes.
        diagnostics: hears when a rate cannot be held.
        stream: the rates.
        max_keypoints: that an image may have at most.
    """

    def __init__(
        self, node: Node, diagnostics: Diagnostics, stream: StreamConfig, max_keypoints: int
    ) -> None:
        self._logger = node.get_logger()
        self._diagnostics = diagnostics
        self.restart(stream, max_keypoints)
        diagnostics.show("keypoints allowed", lambda: self.num_keypoints)

    @property
    def num_keypoints(self) -> int:
        """Keypoints that the next image may have."""
        return self._budget.num_keypoints

    def restart(self, stream: StreamConfig, max_keypoints: int) -> None:
        """Take a new configuration; what was measured before does not count any more."""
        self._limits: defaultdict[Hashable, RateLimit] = defaultdict(
            lambda: RateLimit(stream.max_rate_hz)
        )
        self._budget = KeypointBudget(max_keypoints, stream.min_keypoints, stream.target_rate_hz)

    def takes(self, now_s: float, camera: Hashable = None) -> bool:
        """Return whether an image of a camera that comes now is to be worked on."""
        return self._limits[camera].takes(now_s)

    def update(self, frame_s: float) -> None:
        """Let the time of an image decide how many keypoints the next ones may have."""
        budget = self._budget  # a parameter may change it at any time
        change = budget.update(frame_s)
        if change == 0 and not budget.is_exhausted:
            return
        text = (
            f"{budget.num_keypoints} keypoints are allowed: a frame took "
            f"{budget.frame_s * 1e3:.1f} ms, target_rate_hz is {budget.target_rate_hz:g}"
        )
        if change < 0:
            self._logger.warning(f"only {text}", throttle_duration_sec=_LOG_PERIOD_S)
        elif change > 0:
            self._logger.info(f"again {text}", throttle_duration_sec=_LOG_PERIOD_S)
        else:
            self._diagnostics.warn(f"target_rate_hz cannot be held: {text}")
