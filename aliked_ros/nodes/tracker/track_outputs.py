"""Keypoints that were found again -> matches, and tracks in the form that VINS-Mono takes."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point32
from rclpy.node import Node
from sensor_msgs.msg import ChannelFloat32, PointCloud
from std_msgs.msg import Header

from aliked_ros.msg import Matches
from aliked_ros.nodes.base.conversions.fields import flat, ns_to_stamp
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.odometry.result import OdometryResult, TrackedPairs
from aliked_ros.odometry.vins_form import vins_form
from aliked_ros.structs import Array, Camera, Floats

# The order in which VINS-Mono and its descendants read them; they ignore the names.
CHANNELS = (
    "id_of_point",
    "u_of_point",
    "v_of_point",
    "velocity_x_of_point",
    "velocity_y_of_point",
)


class TrackOutputs:
    """Publishes `matches` and `vins_tracks`, each while somebody subscribes.

    Args:
        node: publishes.
        vins_max_tracks: longest tracks that vins_tracks holds.
    """

    def __init__(self, node: Node, vins_max_tracks: int) -> None:
        self._vins_max_tracks = vins_max_tracks
        self._matches = node.create_publisher(Matches, "matches", RESULT_QOS)
        self._vins = node.create_publisher(PointCloud, "vins_tracks", RESULT_QOS)

    def publish(self, header: Header, camera: Camera, result: OdometryResult) -> None:
        """Publish the tracks of an image that were seen in the one before."""
        if self._matches.get_subscription_count():
            size = (camera.height, camera.width)
            self._matches.publish(matches_to_message(header, size, result.tracks))
        if len(result.tracks) and self._vins.get_subscription_count():
            points, channels = vins_form(result, camera, self._vins_max_tracks)
            self._vins.publish(vins_to_message(header, points, channels))


def matches_to_message(
    header: Header, image_size: tuple[int, int], tracks: TrackedPairs
) -> Matches:
    """Return the message of tracks that were found again in an image of (height, width) px."""
    return Matches(
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


def vins_to_message(header: Header, points: Array, channels: Floats) -> PointCloud:
    """Return the message of points (K, 2) on the plane z = 1 and their CHANNELS (5, K)."""
    return PointCloud(
        header=header,
        points=[Point32(x=x, y=y, z=1.0) for x, y in points.tolist()],
        channels=[
            ChannelFloat32(name=name, values=flat("f", values))
            for name, values in zip(CHANNELS, channels, strict=True)
        ],
    )
