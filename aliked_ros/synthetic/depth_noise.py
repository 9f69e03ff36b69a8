"""The noise of a depth camera that compares windows of a projected pattern, as the Kinect does."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.structs import Floats

# Standard deviation of 1 / depth, 1/m: 1.4 mm at 1 m, growing with the squared depth, because the
# disparity is equally good everywhere (Khoshelham and Elberink, Sensors 2012).
KINECT_NOISE = 1.425e-3
# Side of the windows that the Kinect compares, px (ROS wiki, kinect_calibration/technical). Pixels
# nearer to each other than this share a part of their windows, hence of their noise.
_WINDOW_PX = 9


def add_depth_noise(depth_m: Floats, noise: float, generator: np.random.Generator) -> Floats:
    """Return a depth image as such a camera measures it.

    Args:
        depth_m: (H, W) metres; NaN where there is none.
        noise: standard deviation of 1 / depth, 1/m.
        generator: of the noise.

    Returns:
        (H, W) float32 metres; NaN where there is none, or where the noise leaves none.
    """
    side = _WINDOW_PX
    height, width = depth_m.shape
    white = generator.standard_normal((height + side - 1, width + side - 1), np.float32)
    # A mean of side^2 independent numbers has a standard deviation of 1 / side.
    shared = side * cv2.blur(white, (side, side))
    half = side // 2
    inverse_depth = 1 / depth_m + np.float32(noise) * shared[half:-half, half:-half]
    inverse_depth[~(inverse_depth > 0)] = np.nan
    return 1 / inverse_depth
