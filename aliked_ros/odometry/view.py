"""One image as the odometry keeps it: where its keypoints point to and how far they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry.camera import baseline_m, rectify_keypoints, to_plane
from aliked_ros.geometry.sightings import Sightings
from aliked_ros.geometry.vectors import homogeneous, unit
from aliked_ros.structs import AnyArray, Array, Camera, Features, Floats, Index, Matches

# A line that the root mean square error of ALIKED's keypoints follows, over `keypoint_noise_px`:
# docs/odometry.md has the measurement. A typical keypoint, with a score of 2/3, has 1.
_SPREAD_AT_0, _SPREAD_AT_1 = 2.0, 0.5


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
        depth_sigma: (N,) its standard deviation; inf where unknown.
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
    def median_depth(self) -> float:
        """The median of the known depths."""
        return float(1 / np.median(self.inverse_depth[np.isfinite(self.inverse_depth)]))

    def sightings(self, index: Index) -> Sightings:
        """Return the measurements of the keypoints at index (K,)."""
        return Sightings(
            self.xy[index],
            self.inverse_depth[index],
            self.depth_sigma[index],
            self.spread[index],
        )

    def rays(self, index: Index) -> Array:
        """Return the unit rays (K, 3) of the keypoints at index (K,)."""
        return unit(homogeneous(self.xy[index]))

    def without_depth(self) -> View:
        """Return this view as one that knows only directions."""
        unknown = np.full(len(self.keypoints), np.nan)
        return replace(self, inverse_depth=unknown, depth_sigma=np.full_like(unknown, np.inf))

    def at(self, T_world_view: Array, covariance: Array) -> View:
        """Return this view with a pose."""
        return replace(self, T_world_view=T_world_view, covariance=covariance)

    def with_depth(self, inverse_depth: Array, sigma: Array) -> View:
        """Return this view with other inverse depths (N,) and their deviations (N,)."""
        return replace(self, inverse_depth=inverse_depth, depth_sigma=sigma)


def make_view(
    stamp_ns: int,
    features: Features,
    camera: Camera,
    depths_m: AnyArray | None,
    depth_sigma: float,
) -> View:
    """Return the view of an image, without a pose.

    Args:
        stamp_ns: of the image.
        features: its N keypoints.
        camera: its calibration.
        depths_m: (N,) depth of the keypoints along the rectified optical axis, metres; NaN, zero
            or negative where it was not measured. None: it was not measured at all.
        depth_sigma: standard deviation of a measured inverse depth, 1/m.
    """
    keypoints = np.asarray(features.to("cpu").keypoints.detach(), dtype=np.float32)
    pixels = rectify_keypoints(keypoints, camera)
    depths = np.full(len(keypoints), np.nan) if depths_m is None else np.asarray(depths_m, float)
    if depths.shape != (len(keypoints),):
        raise ValueError(
            f"depths_m has shape {depths.shape}, the image has {len(keypoints)} keypoints: "
            "give one depth per keypoint, NaN where it is unknown"
        )
    is_known = np.isfinite(depths) & (depths > 0)
    inverse_depth = np.full(len(keypoints), np.nan)
    inverse_depth[is_known] = 1 / depths[is_known]
    return View(
        stamp_ns=stamp_ns,
        features=features,
        keypoints=keypoints,
        pixels=pixels,
        xy=to_plane(pixels, camera.K_rectified),
        spread=_spread_of(features),
        inverse_depth=inverse_depth,
        depth_sigma=np.where(is_known, depth_sigma, np.inf),
        T_world_view=None,
        covariance=np.zeros((6, 6)),
    )


def _spread_of(features: Features) -> Array:
    """Return the standard deviation (N,) of keypoints over `keypoint_noise_px`.

    A learned detector's score tells how well a keypoint is located. Detectors of another kind,
    whose scores mean something else, have no dispersity: their keypoints are all alike.
    """
    host = features.to("cpu")
    scores = np.asarray(host.scores.detach(), dtype=np.float64)
    is_telling = np.asarray(host.dispersity.detach()) > 0
    line = _SPREAD_AT_0 + (_SPREAD_AT_1 - _SPREAD_AT_0) * np.clip(scores, 0, 1)
    return np.where(is_telling, line, 1.0)


def usable_pairs(matches: Matches | None, view0: View, view1: View) -> Index:
    """Return the pairs (K, 2) whose keypoints have a place in both rectified images."""
    if matches is None:
        return np.zeros((0, 2), dtype=np.int64)
    pairs = np.asarray(matches.indices.detach().cpu(), dtype=np.int64)
    is_finite = np.isfinite(view0.pixels[pairs[:, 0]]).all(axis=1)
    is_finite &= np.isfinite(view1.pixels[pairs[:, 1]]).all(axis=1)
    return pairs[is_finite]


def check_frame(stamp_ns: int, features: Features, previous: View | None, camera: Camera) -> None:
    """Raise ValueError unless an image is later than the one before and of the camera's size."""
    if previous is not None and stamp_ns <= previous.stamp_ns:
        raise ValueError(
            f"stamp is {stamp_ns} ns, the image before had {previous.stamp_ns} ns: stamps must "
            "increase; reset the odometry if the recording started over"
        )
    if features.image_size != (camera.height, camera.width):
        raise ValueError(
            f"the features are of an image of {features.image_size} (height, width) px, the "
            f"camera has {(camera.height, camera.width)}: make a new odometry for a new camera"
        )


def inverse_depth_sigma(
    config: OdometryConfig, camera: Camera, right_camera: Camera | None
) -> float:
    """Return the standard deviation of a measured inverse depth, 1/m."""
    if config.sensor != "stereo":
        return config.inverse_depth_noise_per_m
    if right_camera is None:
        raise ValueError("sensor is 'stereo' and right_camera is None: give the right camera")
    return config.disparity_noise_px / (float(camera.K_rectified[0, 0]) * baseline_m(right_camera))
