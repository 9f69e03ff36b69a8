"""The pose of the base -> odometry, path and transform messages."""

from __future__ import annotations

from collections import deque

import numpy as np
from geometry_msgs.msg import PoseStamped, Vector3
from nav_msgs.msg import Odometry, Path
from rclpy.node import Node
from std_msgs.msg import Header

from aliked_ros.config.nodes import FramesConfig, OutputsConfig
from aliked_ros.geometry import se3
from aliked_ros.nodes.base.clocks import STEADY
from aliked_ros.nodes.base.conversions.poses import pose_to_message
from aliked_ros.nodes.base.qos import LATCHED_QOS, RESULT_QOS
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.tracker.base_pose import BasePose
from aliked_ros.nodes.tracker.transform_rivals import TransformRivals
from aliked_ros.nodes.tracker.transforms import TransformPublisher
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE
from aliked_ros.structs import Array

PATH_PERIOD_S = 0.5  # a path is sent whole each time, so it is sent seldom


class PoseOutputs:
    """Publishes poses, each message if somebody listens, in the frames of REP 105.

    Topics: `odometry`, `path`, /tf, and /tf_static for the mount of the camera.

    Attributes:
        trajectory: stamp (ns) and T_odom_base (16 float64) of the measured poses since the last
            restart.
    """

    def __init__(
        self, node: Node, topics: Topics, frames: FramesConfig, outputs: OutputsConfig
    ) -> None:
        self._frames = frames
        self._odometry = node.create_publisher(Odometry, "odometry", RESULT_QOS)
        self._path = node.create_publisher(Path, "path", LATCHED_QOS)
        rivals = None
        if outputs.publish_tf:
            rivals = TransformRivals(topics, frames.odom_frame, frames.base_frame)
        self._transforms = TransformPublisher(node, rivals)
        self._poses: deque[PoseStamped] = deque(maxlen=outputs.path_length)
        self._path_is_new = False
        # As bytes: an array is twice as large, and there may be a million.
        self.trajectory: deque[tuple[int, bytes]] = deque(maxlen=outputs.trajectory_length)
        self._previous: BasePose | None = None
        node.create_timer(PATH_PERIOD_S, self._send_path, clock=STEADY)

    def publish_mount(self, header: Header, camera_frame: str, T_base_camera: Array) -> None:
        """Publish where the camera sits: (4, 4) metres, by the parameter; nobody else does."""
        mount = Header(stamp=header.stamp, frame_id=self._frames.base_frame)
        self._transforms.publish_static(mount, camera_frame, T_base_camera)

    def publish(self, header: Header, pose: BasePose) -> None:
        """Publish the odometry of an image and, if its pose is measured, transform and path.

        A pose that is only held (tracking is lost) is published with its large covariance; TF,
        which knows no covariance, then has no news, so that who asks it notices.
        """
        stamped = Header(stamp=header.stamp, frame_id=self._frames.odom_frame)
        twist, twist_covariance = np.zeros(6), UNKNOWN_COVARIANCE
        if pose.is_measured:
            twist, twist_covariance = twist_between(self._previous, pose)
            self._previous = pose
        if self._odometry.get_subscription_count():
            self._odometry.publish(self._odometry_message(stamped, pose, twist, twist_covariance))
        if not pose.is_measured:
            return
        self._transforms.publish(stamped, self._frames.base_frame, pose.T_odom_base)
        self._poses.append(PoseStamped(header=stamped, pose=pose_to_message(pose.T_odom_base)))
        self._path_is_new = True
        self.trajectory.append((pose.stamp_ns, pose.T_odom_base.tobytes()))

    def break_off(self) -> None:
        """Note that images are passed over: no velocity spans the gap."""
        self._previous = None

    def forget(self) -> None:
        """Start a new path: the odometry restarts."""
        self._poses.clear()
        self._path_is_new = False
        self.trajectory.clear()
        self._previous = None

    def _odometry_message(
        self, header: Header, pose: BasePose, twist: Array, twist_covariance: Array
    ) -> Odometry:
        message = Odometry(header=header, child_frame_id=self._frames.base_frame)
        message.pose.pose = pose_to_message(pose.T_odom_base)
        message.pose.covariance = pose.covariance_odom().ravel()
        message.twist.twist.linear = _vector(twist[:3])
        message.twist.twist.angular = _vector(twist[3:])
        message.twist.covariance = twist_covariance.ravel()
        return message

    def _send_path(self) -> None:
        if not self._path_is_new or self._path.get_subscription_count() == 0:
            return
        self._path_is_new = False
        poses = list(self._poses)
        self._path.publish(Path(header=poses[-1].header, poses=poses))


def twist_between(previous: BasePose | None, pose: BasePose) -> tuple[Array, Array]:
    """Return the constant velocity that leads from one pose to the next, and its covariance.

    Returns:
        twist: (6,) linear (m/s), then angular (rad/s), in the frame of the base; 0 without a
            previous pose.
        covariance: (6, 6); it says "unknown" where that of the motion is: nobody should fuse it.
    """
    if previous is None or pose.stamp_ns <= previous.stamp_ns:
        return np.zeros(6), UNKNOWN_COVARIANCE
    seconds = (pose.stamp_ns - previous.stamp_ns) * 1e-9
    twist = se3.log(se3.inverse(previous.T_odom_base) @ pose.T_odom_base) / seconds
    if pose.increment_covariance is None:
        return twist, UNKNOWN_COVARIANCE
    return twist, pose.increment_covariance / seconds**2


def _vector(values: Array) -> Vector3:
    return Vector3(x=float(values[0]), y=float(values[1]), z=float(values[2]))
