"""Messages -> items of the view."""

from __future__ import annotations

import numpy as np
from nav_msgs.msg import Odometry
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

from aliked_ros.msg import Matches, OdometryStatus
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.conversions.poses import transform_from_pose
from aliked_ros.nodes.base.states import STATE_NAMES
from aliked_ros.structs import Array

_COUNTS = ("keypoints", "matches", "inliers")
_STAGES = (
    "transport", "wait", "decode", "extract", "handover", "depth", "match", "estimate", "latency",
)  # fmt: skip

AnyItem = dict[str, object]


def matches_item(message: Matches) -> AnyItem:
    """Return the tracks of an image.

    Raises:
        ValueError: if its arrays contradict each other.
    """
    return {
        "stamp_ns": stamp_to_ns(message.header.stamp),
        "previous": np.array(message.keypoints_previous, np.float32).reshape(-1, 2),
        "current": np.array(message.keypoints_current, np.float32).reshape(-1, 2),
        "is_inlier": np.array(message.inliers, bool),
    }


def odometry_item(message: Odometry) -> AnyItem:
    """Return the pose of the base.

    Raises:
        ValueError: if it is none.
    """
    T_odom_base = transform_from_pose(message.pose.pose)
    covariance = np.array(message.pose.covariance, np.float64).reshape(6, 6)
    # The message has the axes of odom, an item those of the body.
    R = np.kron(np.eye(2), T_odom_base[:3, :3])
    return {
        "stamp_ns": stamp_to_ns(message.header.stamp),
        "T_world_body": T_odom_base,
        "covariance": R.T @ covariance @ R,
    }


def status_item(message: OdometryStatus) -> AnyItem:
    """Return counts, latencies and the state of an image."""
    plots = {f"counts/{name}": float(getattr(message, f"num_{name}")) for name in _COUNTS}
    plots |= {f"latency_ms/{name}": float(getattr(message, f"{name}_ms")) for name in _STAGES}
    return {
        "stamp_ns": stamp_to_ns(message.header.stamp),
        "names": list(plots),
        "values": list(plots.values()),
        "state": STATE_NAMES[message.state].lower(),
        "reason": message.reason,
    }


def landmarks_item(message: PointCloud2) -> AnyItem:
    """Return the landmarks of a cloud as the tracker publishes it."""
    kinds = [("xyz", "<f4", 3), ("num_seen", "<u4")]
    rows = np.frombuffer(bytes(message.data), np.dtype(kinds))
    return {
        "stamp_ns": stamp_to_ns(message.header.stamp),
        "landmarks": rows["xyz"],
        "num_seen": rows["num_seen"],
    }


def keyframes_item(message: MarkerArray) -> AnyItem:
    """Return the lines of a marker as the tracker publishes it."""
    (marker,) = message.markers
    points: Array = np.array([(p.x, p.y, p.z) for p in marker.points], np.float64)
    return {
        "stamp_ns": stamp_to_ns(marker.header.stamp),
        "keyframes": points.reshape(-1, 2, 3),
    }
