"""A view that stays in the map, and the landmarks that it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index


@dataclass(eq=False)
class Keyframe:
    """A view with a pose and its links to landmarks.

    Attributes:
        number: counts keyframes in their order.
        view: what the image measured.
        T_view_world: (4, 4).
        covariance: (6, 6) of T_world_view; translation, then rotation, in the view's own axes.
        landmark: (N,) number of the landmark that each keypoint shows; NONE where none.
    """

    number: int
    view: View
    T_view_world: Array
    covariance: Array
    landmark: Index

    @property
    def T_world_view(self) -> Array:
        """(4, 4)."""
        return se3.inverse(self.T_view_world)

    @property
    def centre_world(self) -> Array:
        """(3,) where the camera was."""
        return -self.T_view_world[:3, :3].T @ self.T_view_world[:3, 3]

    @property
    def linked(self) -> Index:
        """(M,) keypoints that show a landmark."""
        return np.flatnonzero(self.landmark != NONE)

    @property
    def free(self) -> Index:
        """(M,) keypoints with a known direction that show none."""
        return np.flatnonzero((self.landmark == NONE) & np.isfinite(self.view.xy[:, 0]))

    @property
    def numbers(self) -> Index:
        """(M,) the landmarks that it shows."""
        return self.landmark[self.landmark != NONE]

    def keypoints_of(self, numbers: Index, num_landmarks: int) -> Index:
        """Return the keypoint (M,) that shows each of some landmarks (M,), NONE where none does.

        Args:
            numbers: (M,).
            num_landmarks: in the map.
        """
        keypoint = np.full(num_landmarks, NONE)
        linked = self.linked
        keypoint[self.landmark[linked]] = linked
        found: Index = keypoint[numbers]
        return found


def no_landmarks(view: View) -> Index:
    """Return the links (N,) of a view that shows no landmark yet."""
    return np.full(len(view), NONE)
