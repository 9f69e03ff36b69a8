"""What a caller may say about a sequence beside its path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How a sequence is read.

    Attributes:
        camera_info: calibration file that overrides the layout's own, or None.
        rate_hz: rate where the layout has no stamps; 0 means the layout's usual rate.
        topics: for bags: role ("image", "right_image", "depth") -> topic.
    """

    camera_info: Path | None = None
    rate_hz: float = 0.0
    topics: tuple[tuple[str, str], ...] = ()
