"""One image as the odometry keeps it: where its keypoints point to and how far they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aliked_ros.structs import Array, Features, Floats


@dataclass(frozen=True, eq=False)
class View:
    """One image: directions and inverse depths of its N keypoints, and its pose.

    Attributes:
        stamp_ns: of the image.
        features: its N keypoints.
        keypoints: (N, 2) float32, px in the raw image, in host memory.
        pixels: (N, 2) px in the rectified image; NaN where the lens model cannot be inverted.
        xy: (N, 2) coordinates on the plane z = 1 of the rectified camera.
        spread: (N,) standard deviation of a keypoint over `keypoint_noise_px`.
        inverse_depth: (N,) 1 / depth along the rectified optical axis; NaN where unknown.
        depth_sigma: (N,) standard deviation of the inverse depth; inf where unknown.
        T_world_view: (4, 4) pose of the rectified camera, or None if there is none.
        covariance: (6, 6) of T_world_view; translation, then rotation, in the view's own axes.
        R_inertial_view: (3, 3) orientation by another sensor, in a frame of its own, or None.
    """

    stamp_ns: int
    features: Features
    keypoints: Floats
    pixels: Array
    xy: Array
    spread: Array
    inverse_depth: Array
    depth_sigma: Array
    T_world_view: Array | None
    covariance: Array
    R_inertial_view: Array | None = None

    @property
    def has_depth(self) -> bool:
        """Whether any inverse depth is known."""
        return bool(np.isfinite(self.inverse_depth).any())

    @property
    def is_measured(self) -> bool:
        """Whether the view can be a reference: it has a pose and depths."""
        return self.T_world_view is not None and self.has_depth

    @property
    def pose(self) -> Array:
        """T_world_view (4, 4) of a view that has one."""
        assert self.T_world_view is not None
        return self.T_world_view

    @property
    def median_depth(self) -> float:
        """The median of the known depths."""
        return float(1 / np.median(self.inverse_depth[np.isfinite(self.inverse_depth)]))

    def without_depth(self) -> View:
        """Return this view as one that knows only directions."""
        unknown = np.full(len(self.keypoints), np.nan)
        return self.with_depth(unknown, np.full_like(unknown, np.inf))

    def at(self, T_world_view: Array, covariance: Array) -> View:
        """Return this view with a pose."""
        return replace(self, T_world_view=T_world_view, covariance=covariance)

    def moved(self, correction: Array) -> View:
        """Return this view in a world that moved: correction (4, 4) is the pose's left factor."""
        return replace(self, T_world_view=correction @ self.pose)

    def with_depth(self, inverse_depth: Array, depth_sigma: Array) -> View:
        """Return this view with other inverse depths (N,) and their deviations (N,)."""
        return replace(self, inverse_depth=inverse_depth, depth_sigma=depth_sigma)
