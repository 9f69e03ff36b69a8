"""Two views and which of their keypoints show the same points."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aliked_ros.geometry.vectors import homogeneous, unit
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index, Mask, Matches


@dataclass(frozen=True, eq=False)
class MatchedViews:
    """Two views and their pairs.

    Attributes:
        view0: reference.
        view1: current.
        pairs: (K, 2) int64, one-to-one: keypoint of view 0, keypoint of view 1.
    """

    view0: View
    view1: View
    pairs: Index

    @classmethod
    def of(cls, view0: View, view1: View, matches: Matches | None) -> MatchedViews:
        """Return views with the matches whose keypoints have a place in both rectified images."""
        if matches is None:
            return cls(view0, view1, np.zeros((0, 2), dtype=np.int64))
        pairs = matches.indices.detach().cpu().numpy()
        is_placed = np.isfinite(view0.pixels[pairs[:, 0]]).all(axis=1)
        is_placed &= np.isfinite(view1.pixels[pairs[:, 1]]).all(axis=1)
        return cls(view0, view1, pairs[is_placed])

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def index0(self) -> Index:
        """(K,) keypoints of view 0."""
        return self.pairs[:, 0]

    @property
    def index1(self) -> Index:
        """(K,) keypoints of view 1."""
        return self.pairs[:, 1]

    @property
    def pixels(self) -> tuple[Array, Array]:
        """(K, 2) px in the rectified image 0, and in image 1."""
        return self.view0.pixels[self.index0], self.view1.pixels[self.index1]

    @property
    def xy(self) -> tuple[Array, Array]:
        """(K, 2) coordinates on the plane z = 1 of view 0, and of view 1."""
        return self.view0.xy[self.index0], self.view1.xy[self.index1]

    @property
    def rays(self) -> tuple[Array, Array]:
        """(K, 3) unit rays of view 0, and of view 1."""
        xy0, xy1 = self.xy
        return unit(homogeneous(xy0)), unit(homogeneous(xy1))

    @property
    def inverse_depth0(self) -> Array:
        """(K,) inverse depths that view 0 knows; NaN where it does not."""
        return self.view0.inverse_depth[self.index0]

    @property
    def displacement_px(self) -> Array:
        """(K,) how far the keypoints moved in the image."""
        pixels0, pixels1 = self.pixels
        return np.linalg.norm(pixels1 - pixels0, axis=1)

    def select(self, chosen: Mask | Index) -> MatchedViews:
        """Return the same views with the chosen pairs: (K,) bool or (M,) positions."""
        return replace(self, pairs=self.pairs[chosen])
