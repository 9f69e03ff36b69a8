"""Features and depths of successive images -> the pose of the camera."""

from aliked_ros.odometry.depth import StereoDepth, sample_depth
from aliked_ros.odometry.frame_matches import FrameMatches
from aliked_ros.odometry.result import Motion, OdometryResult, State, TrackedPairs
from aliked_ros.odometry.visual_odometry import VisualOdometry

__all__ = [
    "FrameMatches",
    "Motion",
    "OdometryResult",
    "State",
    "StereoDepth",
    "TrackedPairs",
    "VisualOdometry",
    "sample_depth",
]
