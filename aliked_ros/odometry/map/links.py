"""Landmarks and the keypoints of a view that show them."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.structs import Array, Index, Mask


@dataclass(frozen=True, eq=False)
class Links:
    """Landmarks and the keypoints of a view that show them, one-to-one; M of them.

    Attributes:
        numbers: (M,) landmarks.
        keypoints: (M,) keypoints.
        similarities: (M,) cosine of their descriptors.
        expected: (E,) landmarks that the view should have shown.
    """

    numbers: Index
    keypoints: Index
    similarities: Array
    expected: Index

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, chosen: Mask) -> Links:
        """Return the chosen ones (M,)."""
        return Links(
            self.numbers[chosen], self.keypoints[chosen], self.similarities[chosen], self.expected
        )
