"""What a matcher learns from: keypoints and descriptors of two images, and who is whose partner."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class FeaturePair:
    """What a matcher learns from; each field has image 0, then image 1.

    Attributes:
        positions: (N, 2) float32 from the image's centre, in halves of its longer side.
        descriptors: (N, D) float16, unit rows.
        partner: (N,) int64, a point of the other image, or NONE or UNKNOWN of `partners`.
        unreadable: files that could not be read while this pair was drawn.
    """

    positions: tuple[Tensor, Tensor]
    descriptors: tuple[Tensor, Tensor]
    partner: tuple[Tensor, Tensor]
    unreadable: tuple[str, ...] = ()

    def swapped(self) -> FeaturePair:
        """Return the pair with its images in the other order."""
        return FeaturePair(
            self.positions[::-1], self.descriptors[::-1], self.partner[::-1], self.unreadable
        )
