"""The messages of one instant on their way to the odometry."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.nodes.base.conversions.cameras import AnyImage
from aliked_ros.nodes.base.handover import Handover


@dataclass(frozen=True)
class Jump:
    """The newest jump of time.

    Attributes:
        number: of the jumps so far; 0: there was none.
        seconds: how far; negative is back.
    """

    number: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        way = "back" if self.seconds < 0 else "forward"
        return f"time has jumped {way} by {abs(self.seconds):.1f} s"


@dataclass(frozen=True)
class FrameInputs:
    """The messages of one instant; what the sensor does not have, and what did not come, is None.

    Attributes:
        handover: the features.
        depth: depth image.
        left: the image of the features; None if the extractor hands it over.
        right: right image of a pair.
        missing: why something is not there that the sensor has, one clause; else empty.
        jump: the newest jump of time, at this image or before.
    """

    handover: Handover
    depth: AnyImage | None = None
    left: AnyImage | None = None
    right: AnyImage | None = None
    missing: str = ""
    jump: Jump = Jump()
