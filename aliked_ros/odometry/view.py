"""One image as the odometry keeps it: where its keypoints point to, and measured depths."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from aliked_ros.geometry.sightings import Sightings
from aliked_ros.structs import Array, Features, Floats, Index


@dataclass(frozen=True, eq=False)
class View:
    """One image: directions of its N keypoints and the depths that the sensor measured.

    Attributes:
        stamp_ns: of the image.
        features: its N keypoints.
        keypoints: (N, 2) float32, px in the raw image, in host memory.
        pixels: (N, 2) px in the rectified image; NaN where the lens model cannot be inverted.
        xy: (N, 2) coordinates on the plane z = 1 of the rectified camera.
        spread: (N,) standard deviation of a keypoint over `keypoint_noise_px`.
        inverse_depth: (N,) measured 1 / depth along the rectified optical axis; NaN where none.
        depth_sigma: (N,) standard deviation of the inverse depth; inf where none.
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
    R_inertial_view: Array | None = None

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def descriptors(self) -> Floats:
        """(N, D) unit rows, in host memory."""
        descriptors: Floats = self.features.to("cpu").descriptors.detach().numpy()
        return descriptors

    @property
    def num_depths(self) -> int:
        """Keypoints whose depth is measured."""
        return int(np.isfinite(self.inverse_depth).sum())

    def sightings(self, index: Index) -> Sightings:
        """Return what the keypoints at index (K,) measure."""
        return Sightings(
            self.xy[index], self.inverse_depth[index], self.depth_sigma[index], self.spread[index]
        )

    def turn_from(self, earlier: View | None) -> Array | None:
        """Return R_earlier_view (3, 3) by the other sensor, or None if it has not measured both."""
        if earlier is None or earlier.R_inertial_view is None or self.R_inertial_view is None:
            return None
        return earlier.R_inertial_view.T @ self.R_inertial_view

    def with_late_depths(self, offset_s: float, speed: float, turn_rate: float) -> View:
        """Return this view with depths that were measured at another instant: less certain ones.

        Args:
            offset_s: between the two instants, s.
            speed: of the camera, unit of the depths per s.
            turn_rate: of the camera, rad/s.
        """
        if offset_s == 0:
            return self
        # A step along the axis changes 1 / depth by its square; a turn changes what lies at the
        # same pixel, by half of the depth at the corner of a usual image.
        rho = self.inverse_depth
        late = abs(offset_s) * (speed * rho**2 + 0.5 * turn_rate * rho)
        is_measured = np.isfinite(rho)
        sigma = np.where(is_measured, np.hypot(self.depth_sigma, late), self.depth_sigma)
        return replace(self, depth_sigma=sigma)

    def noisier(self, factor: float) -> View:
        """Return this view with keypoints that are known less well: motion blur, for instance."""
        return replace(self, spread=factor * self.spread)


@dataclass(frozen=True, eq=False)
class PosedView:
    """A view with a pose.

    Attributes:
        view: the image.
        T_world_view: (4, 4).
        covariance: (6, 6) of it: translation, then rotation, about the axes of the view.
        noise: (6, 6) the part of it that is of this image alone.
        step: (6, 6) what the rest gained since the image before; None where nobody knows.
        unit_deviation: relative standard deviation of the unit of lengths.
    """

    view: View
    T_world_view: Array
    covariance: Array
    noise: Array = field(default_factory=lambda: np.zeros((6, 6)))
    step: Array | None = None
    unit_deviation: float = 0.0
