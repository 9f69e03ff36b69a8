"""Tracks in the form that VINS-Mono and its descendants take from their front end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from geometry_msgs.msg import Point32
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import ChannelFloat32, PointCloud
from std_msgs.msg import Header

from aliked_ros.geometry.camera import normalise, rectify_keypoints
from aliked_ros.nodes.conversions import flat
from aliked_ros.nodes.parameters import declare
from aliked_ros.nodes.topics import RESULT_QOS
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.structs import Camera

# The order in which VINS-Mono reads them; it ignores the names.
CHANNELS = (
    "id_of_point",
    "u_of_point",
    "v_of_point",
    "velocity_x_of_point",
    "velocity_y_of_point",
)
_NUM_IDS = 2**24  # whole numbers that a float32 holds exactly


class VinsTracks:
    """Publishes `vins_tracks` while somebody subscribes."""

    def __init__(self, node: Node) -> None:
        self._max_tracks = declare(
            node, "vins_max_tracks", 150, "longest tracks that vins_tracks holds"
        )
        if self._max_tracks < 1:
            raise ValueError(f"vins_max_tracks is {self._max_tracks}: give 1 or more")
        self._publisher = node.create_publisher(PointCloud, "vins_tracks", RESULT_QOS)

    def publish(self, header: Header, camera: Camera, result: OdometryResult) -> None:
        """Publish the tracks of an image that were seen in the one before."""
        if len(result.tracks) and self._publisher.get_subscription_count():
            points, channels = vins_tracks(result, camera, self._max_tracks)
            self._publisher.publish(
                PointCloud(
                    header=header,
                    points=[Point32(x=x, y=y, z=1.0) for x, y in points.tolist()],
                    channels=[
                        ChannelFloat32(name=name, values=flat("f", values))
                        for name, values in zip(CHANNELS, channels, strict=True)
                    ],
                )
            )


def vins_tracks(
    result: OdometryResult, camera: Camera, max_tracks: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the longest tracks of an image; while tracking, only those that fit the motion.

    Args:
        result: of the image.
        camera: its calibration; only K and the distortion count.
        max_tracks: how many at the most.

    Returns:
        points: (K, 2) undistorted, on the plane z = 1 of the raw camera.
        channels: (5, K) float32: track id (modulo 2^24), raw pixel x and y (px), velocity of
            the point on that plane in x and y (1/s).
    """
    tracks = result.tracks
    keep = np.flatnonzero(tracks.inlier_mask | (result.state is not State.TRACKING))
    keep = keep[np.argsort(-tracks.lengths[keep].astype(np.int64), kind="stable")]
    raw = replace(camera, R=np.eye(3), P=None)
    seconds = (result.stamp_ns - tracks.previous_stamp_ns) * 1e-9

    def undistorted(keypoints: NDArray[Any]) -> NDArray[np.float64]:
        return normalise(rectify_keypoints(keypoints[keep], raw), raw.K)

    points = undistorted(tracks.keypoints_current)
    velocity = (points - undistorted(tracks.keypoints_previous)) / seconds
    is_known = np.isfinite(velocity).all(axis=1)
    keep, points, velocity = keep[is_known], points[is_known], velocity[is_known]
    ids = (tracks.track_ids[keep] % np.uint64(_NUM_IDS)).astype(np.float32)
    channels = np.column_stack([ids, tracks.keypoints_current[keep], velocity])
    return points[:max_tracks], channels[:max_tracks].T.astype(np.float32)
