"""A frame of a sequence -> features -> depths -> odometry: the order of the steps, without ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aliked_ros.config import StereoConfig
from aliked_ros.geometry.rectification import rectify_pair
from aliked_ros.odometry.depth import StereoDepth, sample_depth
from aliked_ros.odometry.result import OdometryResult
from aliked_ros.structs import Array, Camera, Features, Frame, Pixels

if TYPE_CHECKING:
    from aliked_ros.odometry.visual_odometry import VisualOdometry

# Takes a frame and (N, 2) px keypoints of its (left) image; returns (N,) metres along the
# rectified optical axis, NaN where unknown.
DepthMeter = Callable[[Frame, Array], Array]

STAGES = ("extract", "depth", "match", "estimate")


@dataclass(frozen=True, eq=False)
class Rig:
    """The cameras as the odometry uses them, and how they measure depth.

    Attributes:
        camera: the (left) camera; of a pair, with the R and P of its rectification.
        right_camera: the right one of a pair, likewise; None for other sensors.
        measure_depth: frame -> depths at the keypoints; None for a single camera.
    """

    camera: Camera
    right_camera: Camera | None = None
    measure_depth: DepthMeter | None = None


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """What became of one frame.

    Attributes:
        features: of the (left) image.
        result: what the odometry says.
        latencies_ms: stage -> milliseconds, for each of STAGES.
    """

    features: Features
    result: OdometryResult
    latencies_ms: dict[str, float]


class FramePipeline:
    """Runs the steps on one frame after another.

    Args:
        extract: image -> features, an Extractor.
        measure_depth: frame -> depths at the keypoints, or None for a single camera.
        odometry: features and depths -> pose.
        clock: returns seconds; the library reads no clock of its own.
    """

    def __init__(
        self,
        extract: Callable[[Pixels], Features],
        measure_depth: DepthMeter | None,
        odometry: VisualOdometry,
        clock: Callable[[], float],
    ) -> None:
        self._extract = extract
        self._measure_depth = measure_depth
        self._odometry = odometry
        self._clock = clock

    def process(self, frame: Frame) -> TrackedFrame:
        """Return features, pose and latencies of a frame; frames come in order of time."""
        times_s = [self._clock()]
        features: Features = self._extract(frame.image)
        keypoints = features.keypoints.detach().cpu().numpy().astype(np.float64)
        times_s.append(self._clock())
        depths_m = None if self._measure_depth is None else self._measure_depth(frame, keypoints)
        times_s.append(self._clock())
        matches = self._odometry.match(features)
        times_s.append(self._clock())
        result = self._odometry.estimate(frame.stamp_ns, features, matches, depths_m)
        times_s.append(self._clock())
        latencies_ms = (np.diff(times_s) * 1e3).tolist()
        return TrackedFrame(features, result, dict(zip(STAGES, latencies_ms, strict=True)))


def make_rig(
    sensor: str,
    camera: Camera,
    right_camera: Camera | None = None,
    T_left_right: Array | None = None,
    config: StereoConfig | None = None,
) -> Rig:
    """Return the cameras of a sensor, rectified if they are a raw pair, with its depth.

    Args:
        sensor: "mono", "stereo" or "rgbd".
        camera: the (left) camera.
        right_camera: the stereo partner.
        T_left_right: (4, 4) metres, pose of the right camera in the left one's frame; None for a
            pair whose cameras carry the R and P of a stereo calibration.
        config: the search for disparity.

    Raises:
        ValueError: a pair without its right camera or without a baseline.
    """
    if sensor == "mono":
        return Rig(camera)
    if sensor == "rgbd":
        return Rig(camera, measure_depth=_read_depth_image)
    if right_camera is None:
        raise ValueError("sensor is 'stereo', but there is no calibration of the right camera")
    if T_left_right is not None:
        camera, right_camera = rectify_pair(camera, right_camera, T_left_right)
    stereo = StereoDepth(camera, right_camera, config)

    def measure(frame: Frame, keypoints: Array) -> Array:
        if frame.right_image is None:
            return np.full(len(keypoints), np.nan)
        return stereo(frame.image, frame.right_image, keypoints)

    return Rig(camera, right_camera, measure)


def _read_depth_image(frame: Frame, keypoints: Array) -> Array:
    if frame.depth_m is None:
        return np.full(len(keypoints), np.nan)
    return sample_depth(frame.depth_m, keypoints)
