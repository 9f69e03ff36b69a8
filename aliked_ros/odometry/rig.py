"""The cameras of a sensor as the odometry uses them, and how they measure depth at keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.config import StereoConfig
from aliked_ros.geometry.rectification import rectify_pair
from aliked_ros.odometry.depth import StereoDepth, sample_depth
from aliked_ros.structs import AnyArray, Array, Camera, Floats, Pixels


@dataclass(frozen=True, eq=False)
class Rig:
    """A single camera, a camera with a depth image, or a stereo pair.

    Attributes:
        sensor: "mono", "stereo" or "rgbd".
        camera: the (left) camera; of a pair, with the R and P of its rectification.
        right_camera: the right one of a pair, likewise; None for other sensors.
        stereo_depth: measures the disparity of a pair; None for other sensors.
    """

    sensor: str
    camera: Camera
    right_camera: Camera | None = None
    stereo_depth: StereoDepth | None = None

    def measure_depths(
        self,
        keypoints: AnyArray,
        image: Pixels | None = None,
        right_image: Pixels | None = None,
        depth_m: Floats | None = None,
    ) -> Array | None:
        """Return the depth (N,) of keypoints, metres along the rectified optical axis.

        Args:
            keypoints: (N, 2) px in the raw (left) image.
            image: the raw (left) image; only a pair needs it.
            right_image: of the same instant, raw.
            depth_m: (H, W) depth image registered to the image.

        Returns:
            NaN where unknown, also where what the sensor needs is None; None for a single camera.

        Raises:
            ValueError: if the depth image is not as large as the camera's images.
        """
        if self.sensor == "mono":
            return None
        if depth_m is not None and self.sensor == "rgbd":
            self._check_size(depth_m)
            return sample_depth(depth_m, keypoints)
        if self.stereo_depth is not None and image is not None and right_image is not None:
            return self.stereo_depth(image, right_image, keypoints)
        return np.full(len(keypoints), np.nan)

    def _check_size(self, depth_m: Floats) -> None:
        height, width = depth_m.shape
        if (width, height) != (self.camera.width, self.camera.height):
            raise ValueError(
                f"depth image is {width}x{height}, the image is "
                f"{self.camera.width}x{self.camera.height}: register the depth to it"
            )


def make_rig(
    sensor: str,
    camera: Camera,
    right_camera: Camera | None = None,
    T_left_right: Array | None = None,
    config: StereoConfig | None = None,
) -> Rig:
    """Return the cameras of a sensor, rectified if they are a raw pair.

    Args:
        sensor: "mono", "stereo" or "rgbd".
        camera: the (left) camera.
        right_camera: the stereo partner; other sensors ignore it.
        T_left_right: (4, 4) metres, pose of the right camera in the left one's frame; None for a
            pair whose cameras carry the R and P of a stereo calibration.
        config: the search for disparity.

    Raises:
        ValueError: a pair without its right camera or without a baseline.
    """
    if sensor != "stereo":
        return Rig(sensor, camera)
    if right_camera is None:
        raise ValueError("sensor is 'stereo', but there is no calibration of the right camera")
    if T_left_right is not None:
        camera, right_camera = rectify_pair(camera, right_camera, T_left_right)
    return Rig(sensor, camera, right_camera, StereoDepth(camera, right_camera, config))
