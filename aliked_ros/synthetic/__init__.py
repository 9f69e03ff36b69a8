"""A rendered room with exact poses and depth: demo, tests, training."""

from aliked_ros.synthetic.depth_noise import KINECT_NOISE
from aliked_ros.synthetic.room import SyntheticRoom

__all__ = ["KINECT_NOISE", "SyntheticRoom"]
