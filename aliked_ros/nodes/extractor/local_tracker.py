"""What the extractor asks of a tracker in the same process."""

from __future__ import annotations

from typing import Protocol

from std_msgs.msg import Header

from aliked_ros.nodes.base.handover import Handover


class LocalTracker(Protocol):
    """A tracker in the same process; its methods are called in the extractor's thread.

    Attributes:
        frame_s: time that its last image took.
        is_paused: whether it has no use for features.
    """

    frame_s: float
    is_paused: bool

    def check_network(self, model: str, descriptor_dim: int) -> None:
        """Raise ValueError if it cannot match descriptors of so many numbers."""

    def receive(self, handover: Handover) -> None:
        """Take the features of an image."""

    def pass_over(self, header: Header) -> None:
        """Answer an image without features, while it is paused."""
