"""A view whose pose was measured by landmarks of a map."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.odometry.map.links import Links
from aliked_ros.structs import Array


@dataclass(frozen=True, eq=False)
class Located:
    """A pose and the landmarks that it was measured by.

    Attributes:
        links: inliers, landmarks and keypoints.
        T_view_world: (4, 4).
        covariance: (6, 6) of it, the map being exact but for its landmarks' own covariances:
            translation, then rotation, about the axes of the view.
        noise: standard deviation of the image's keypoints over what was expected, at least 1.
    """

    links: Links
    T_view_world: Array
    covariance: Array
    noise: float

    def __len__(self) -> int:
        return len(self.links)
