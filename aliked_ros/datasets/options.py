"""What a caller may say about a sequence beside its path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

STAMPS = ("header", "recorded")
MAX_MEGAPIXELS = 40.0  # the largest cameras have some more; what they see is tracked smaller
_MAX_SLOP_S = 10.0
_MAX_RATE_HZ = 1e5


@dataclass(frozen=True)
class Options:
    """How a sequence is read.

    Attributes:
        camera_info: calibration file that overrides the layout's own, or None.
        rate_hz: rate where the layout has no stamps; 0 means the layout's usual rate.
        topics: for bags: role ("image", "right_image", "depth", "camera_info",
            "right_camera_info") -> topic.
        stamps: for bags: "header", what messages say, or "recorded", when they were written.
        sync_slop_s: right and depth images belong to an image if their stamps differ by at most
            this, seconds; 0: what is usual for the layout.
        grey_range: values of 16-bit images that become black and white, as GreyRange takes them.
        max_megapixels: larger images are refused before they are decoded; 0: no limit.
        depth_scale: metres per unit of depth images; 0: what the layout or the encoding says.
        rectified_images: whether images are rectified already, so that P alone counts; None: as
            their topic says, else no.
        image_width: images are made so wide, px, and their calibration with them; 0: as they are.

    Raises:
        ValueError: naming the field, its value and what it may be.
    """

    camera_info: Path | None = None
    rate_hz: float = 0.0
    topics: tuple[tuple[str, str], ...] = ()
    stamps: str = "header"
    sync_slop_s: float = 0.0
    grey_range: str = "auto"
    max_megapixels: float = MAX_MEGAPIXELS
    depth_scale: float = 0.0
    rectified_images: bool | None = None
    image_width: int = 0

    def __post_init__(self) -> None:
        if self.stamps not in STAMPS:
            raise ValueError(f"stamps is {self.stamps!r}: use one of {', '.join(STAMPS)}")
        for name in ("rate_hz", "sync_slop_s", "max_megapixels", "depth_scale", "image_width"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}: it must not be negative")
        if self.sync_slop_s > _MAX_SLOP_S or self.rate_hz > _MAX_RATE_HZ:
            raise ValueError(
                f"sync_slop_s is {self.sync_slop_s:g} and rate_hz is {self.rate_hz:g}: give at "
                f"most {_MAX_SLOP_S:g} s and {_MAX_RATE_HZ:g} Hz"
            )

    def sync_slop_ns(self, usual_ns: int) -> int:
        """Return `sync_slop_s` in nanoseconds, or what is usual for a layout."""
        return round(self.sync_slop_s * 1e9) or usual_ns
