"""What the outputs ask of an odometry beside the result of an image."""

from __future__ import annotations

from typing import Protocol

from aliked_ros.structs import Array, Index


class OdometryMap(Protocol):
    """The map of an odometry, in its own world and unit; VisualOdometry says more."""

    def landmarks(self) -> tuple[Array, Index]:
        """Return the landmarks (L, 3) in the world, and how many keyframes see each (L,)."""

    def keyframes(self) -> list[tuple[int, Array]]:
        """Return stamp (ns) and T_world_camera (4, 4) of the keyframes, oldest first."""

    def keyframe_points(self) -> tuple[int, Array]:
        """Return the reference keyframe's stamp (ns) and its points (N, 3), camera's frame."""
