"""A result of the odometry -> odometry, path, transform, matches and status messages."""

from __future__ import annotations

from collections import deque

import numpy as np
from geometry_msgs.msg import PoseStamped, Vector3
from nav_msgs.msg import Odometry, Path
from rclpy.node import Node
from std_msgs.msg import Header

from aliked_ros.geometry import se3
from aliked_ros.msg import Matches, OdometryStatus
from aliked_ros.nodes.conversions import flat, ns_to_stamp, pose_to_message, stamp_to_ns
from aliked_ros.nodes.extraction import Extraction
from aliked_ros.nodes.health import STEADY
from aliked_ros.nodes.mount import TransformPublisher
from aliked_ros.nodes.parameters import declare
from aliked_ros.nodes.topics import LATCHED_QOS, RESULT_QOS
from aliked_ros.odometry.result import (
    UNKNOWN_COVARIANCE,
    Motion,
    OdometryResult,
    State,
    TrackedPairs,
)
from aliked_ros.structs import Array

PATH_PERIOD_S = 0.5  # a path is sent whole each time, so it is sent seldom

STATES = {
    State.INITIALISING: OdometryStatus.INITIALISING,
    State.TRACKING: OdometryStatus.TRACKING,
    State.LOST: OdometryStatus.LOST,
}
MOTIONS = {
    Motion.UNKNOWN: OdometryStatus.MOTION_UNKNOWN,
    Motion.NONE: OdometryStatus.MOTION_NONE,
    Motion.ROTATION: OdometryStatus.MOTION_ROTATION,
    Motion.GENERAL: OdometryStatus.MOTION_GENERAL,
}


class TrackerOutputs:
    """Publishes everything that the tracker knows about a frame, each part if somebody listens.

    Declares the parameters that name frames and choose what is published (REP 105).

    Attributes:
        trajectory: stamp (ns) and T_odom_base (16 float64) of the measured poses since the last
            begin.
    """

    def __init__(self, node: Node) -> None:
        self.base_frame: str = declare(node, "base_frame", "base_link", "frame of the robot")
        self.odom_frame: str = declare(node, "odom_frame", "odom", "fixed frame of the odometry")
        with_tf = declare(node, "publish_tf", True, "publish odom_frame -> base_frame on /tf")
        length = declare(node, "path_length", 1000, "newest poses that the path holds")
        kept = declare(
            node, "trajectory_length", 1000000, "newest poses that ~/save_trajectory writes"
        )
        if length < 1 or kept < 1:
            raise ValueError(
                f"path_length is {length}, trajectory_length is {kept}: give 1 or more"
            )
        self._odometry = node.create_publisher(Odometry, "odometry", RESULT_QOS)
        self._matches = node.create_publisher(Matches, "matches", RESULT_QOS)
        self._status = node.create_publisher(OdometryStatus, "status", RESULT_QOS)
        self._path = node.create_publisher(Path, "path", LATCHED_QOS)
        self._publish_tf = with_tf
        self._transforms = TransformPublisher(node)
        self._poses: deque[PoseStamped] = deque(maxlen=length)
        self._path_is_new = False
        # As bytes: an array is twice as large, and there may be a million.
        self.trajectory: deque[tuple[int, bytes]] = deque(maxlen=kept)
        self._previous: tuple[int, Array] | None = None  # stamp_ns, T_odom_base
        node.create_timer(PATH_PERIOD_S, self._publish_path, clock=STEADY)

    def publish_mount(self, header: Header, camera_frame: str, T_base_camera: Array | None) -> None:
        """Publish where the camera sits if it came from a parameter: then nobody else does."""
        if T_base_camera is not None:
            mount = Header(stamp=header.stamp, frame_id=self.base_frame)
            self._transforms.publish_static(mount, camera_frame, T_base_camera)

    def publish_pose(
        self,
        header: Header,
        T_odom_base: Array,
        covariance: Array,
        is_measured: bool,
        increment_covariance: Array | None = None,
    ) -> None:
        """Publish odometry and, if the pose is measured, transform and path.

        A pose that is only held (tracking is lost) is published with its large covariance; TF,
        which knows no covariance, then has no news, so that who asks it notices.

        Args:
            header: stamp of the image.
            T_odom_base: (4, 4), metres.
            covariance: (6, 6) of translation and rotation about the axes of the base, m, rad.
            is_measured: whether the pose is of this image.
            increment_covariance: (6, 6) likewise, of the motion since the image before; None if
                nobody knows it.
        """
        stamped = Header(stamp=header.stamp, frame_id=self.odom_frame)
        pose = pose_to_message(T_odom_base)
        twist, twist_covariance = np.zeros(6), UNKNOWN_COVARIANCE
        if is_measured:
            twist, twist_covariance = self._next_twist(
                stamp_to_ns(header.stamp), T_odom_base, increment_covariance
            )
        if self._odometry.get_subscription_count():
            message = Odometry(header=stamped, child_frame_id=self.base_frame)
            message.pose.pose = pose
            message.pose.covariance = _along_fixed_axes(covariance, T_odom_base).ravel()
            message.twist.twist.linear = _vector(twist[:3])
            message.twist.twist.angular = _vector(twist[3:])
            message.twist.covariance = twist_covariance.ravel()
            self._odometry.publish(message)
        if not is_measured:
            return
        if self._publish_tf:
            self._transforms.publish(stamped, self.base_frame, T_odom_base)
        self._poses.append(PoseStamped(header=stamped, pose=pose))
        self._path_is_new = True
        self.trajectory.append((stamp_to_ns(header.stamp), T_odom_base.tobytes()))

    def _next_twist(
        self,
        stamp_ns: int,
        T_odom_base: Array,
        increment_covariance: Array | None,
    ) -> tuple[Array, Array]:
        """Return the constant velocity (6,) that leads from the previous pose here, child frame.

        Its covariance (6, 6) says "unknown" where that of the motion is: nobody should fuse it.
        """
        previous, self._previous = self._previous, (stamp_ns, T_odom_base)
        if previous is None or stamp_ns <= previous[0]:
            return np.zeros(6), UNKNOWN_COVARIANCE
        seconds = (stamp_ns - previous[0]) * 1e-9
        twist = se3.log(se3.inverse(previous[1]) @ T_odom_base) / seconds
        if increment_covariance is None:
            return twist, UNKNOWN_COVARIANCE
        return twist, increment_covariance / seconds**2

    def publish_matches(
        self, header: Header, image_size: tuple[int, int], tracks: TrackedPairs
    ) -> None:
        """Publish the tracks that were found again in an image of (height, width) px."""
        if not self._matches.get_subscription_count():
            return
        self._matches.publish(
            Matches(
                header=header,
                previous_stamp=ns_to_stamp(tracks.previous_stamp_ns),
                width=image_size[1],
                height=image_size[0],
                keypoints_previous=flat("f", tracks.keypoints_previous),
                keypoints_current=flat("f", tracks.keypoints_current),
                indices_previous=flat("I", tracks.indices[:, 0].astype(np.uint32)),
                indices_current=flat("I", tracks.indices[:, 1].astype(np.uint32)),
                similarities=flat("f", tracks.similarities),
                track_ids=flat("Q", tracks.track_ids),
                track_lengths=flat("I", tracks.lengths),
                inliers=flat("B", tracks.inlier_mask.astype(np.uint8)),
            )
        )

    def publish_status(self, status: OdometryStatus) -> None:
        """Publish the status of a frame; every frame gets one."""
        if self._status.get_subscription_count():
            self._status.publish(status)

    def break_off(self) -> None:
        """Note that images are passed over: no velocity spans the gap."""
        self._previous = None

    def forget(self) -> None:
        """Start a new path: the odometry begins anew."""
        self._poses.clear()
        self._path_is_new = False
        self.trajectory.clear()
        self._previous = None

    def _publish_path(self) -> None:
        if not self._path_is_new or self._path.get_subscription_count() == 0:
            return
        self._path_is_new = False
        poses = list(self._poses)
        self._path.publish(Path(header=poses[-1].header, poses=poses))


def fill_extraction(status: OdometryStatus, extraction: Extraction) -> None:
    """Fill in what the extractor says."""
    status.max_keypoints = extraction.max_keypoints
    status.transport_ms = extraction.transport_ms
    status.wait_ms = extraction.wait_ms
    status.decode_ms = extraction.decode_ms
    status.extract_ms = extraction.extract_ms


def fill_status(status: OdometryStatus, result: OdometryResult) -> None:
    """Fill in what the odometry says; header and latencies are the caller's."""
    status.state = STATES[result.state]
    status.motion = MOTIONS[result.motion]
    status.reason = result.reason
    status.num_keypoints = result.num_keypoints
    status.num_matches = result.num_matches
    status.num_inliers = result.num_inliers
    status.parallax_deg = float(result.parallax_deg)
    status.is_keyframe = result.is_keyframe


def _along_fixed_axes(covariance: Array, T_odom_base: Array) -> Array:
    """Turn a covariance (6, 6) about the axes of the base to the axes of odom."""
    turn = np.kron(np.eye(2), T_odom_base[:3, :3])
    return turn @ covariance @ turn.T


def _vector(values: Array) -> Vector3:
    return Vector3(x=float(values[0]), y=float(values[1]), z=float(values[2]))
