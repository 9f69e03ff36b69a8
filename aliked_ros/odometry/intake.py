"""The features of an image, checked -> a View."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry.camera import baseline_m, rectify_keypoints, to_plane
from aliked_ros.odometry.view import View
from aliked_ros.structs import AnyArray, Array, Camera, Features

# A line that the root mean square error of ALIKED's keypoints follows, over `keypoint_noise_px`:
# docs/odometry.md has the measurement. A typical keypoint, with a score of 2/3, has 1.
_SPREAD_AT_0, _SPREAD_AT_1 = 2.0, 0.5


class Intake:
    """Turns features and depths into views of one rig of cameras.

    Args:
        config: noise and kind of sensor.
        camera: the (left) camera.
        right_camera: the right one of a stereo pair; its P holds the baseline.

    Raises:
        ValueError: a stereo sensor without a right camera.
    """

    def __init__(
        self, config: OdometryConfig, camera: Camera, right_camera: Camera | None = None
    ) -> None:
        self._camera = camera
        self._depth_sigma = inverse_depth_sigma(config, camera, right_camera)

    def take(
        self,
        stamp_ns: int,
        features: Features,
        depths_m: AnyArray | None,
        R_inertial_camera: Array | None,
        previous: View | None,
    ) -> View:
        """Return the view of the next image; `estimate` of VisualOdometry has the arguments.

        Raises:
            ValueError: if the stamp is not later than that of the previous view, or features or
                depths do not fit the camera.
        """
        check_frame(stamp_ns, features, previous, self._camera)
        view = make_view(stamp_ns, features, self._camera, depths_m, self._depth_sigma)
        if R_inertial_camera is None:
            return view
        return replace(view, R_inertial_view=R_inertial_camera @ self._camera.R.T)


def make_view(
    stamp_ns: int,
    features: Features,
    camera: Camera,
    depths_m: AnyArray | None,
    depth_sigma: float,
) -> View:
    """Return the view of an image.

    Args:
        stamp_ns: of the image.
        features: its N keypoints.
        camera: its calibration.
        depths_m: (N,) depth of the keypoints along the rectified optical axis, metres; NaN, zero
            or negative where it was not measured. None: it was not measured at all.
        depth_sigma: standard deviation of a measured inverse depth, 1/m.

    Raises:
        ValueError: if there is not one depth per keypoint.
    """
    host = features.to("cpu")
    if host is not features:
        features = replace(features, on_host=host)  # fetched from the device once
    keypoints = host.keypoints.detach().numpy()
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
        spread=_spread_of(host),
        inverse_depth=inverse_depth,
        depth_sigma=np.where(is_known, depth_sigma, np.inf),
    )


def _spread_of(host: Features) -> Array:
    """Return the standard deviation (N,) of keypoints over `keypoint_noise_px`.

    A learned detector's score tells how well a keypoint is located. Detectors of another kind,
    whose scores mean something else, have no dispersity: their keypoints are all alike.
    """
    scores = host.scores.detach().numpy().astype(np.float64)
    is_telling = host.dispersity.detach().numpy() > 0
    line = _SPREAD_AT_0 + (_SPREAD_AT_1 - _SPREAD_AT_0) * np.clip(scores, 0, 1)
    return np.where(is_telling, line, 1.0)


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
    baseline = baseline_m(right_camera, camera)
    return config.disparity_noise_px / (float(camera.K_rectified[0, 0]) * baseline)
