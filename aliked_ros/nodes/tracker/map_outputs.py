"""The map of the odometry -> landmarks, keyframes and tracks for rviz."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from aliked_ros.config.nodes import OutputsConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import rectify_keypoints, to_plane
from aliked_ros.geometry.frusta import frusta
from aliked_ros.geometry.vectors import homogeneous
from aliked_ros.nodes.base.conversions.fields import flat
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.nodes.tracker.odometry_map import OdometryMap
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import OdometryResult, TrackedPairs
from aliked_ros.structs import Array, Camera, Index

_MAX_TRACKS = 300  # a point of a marker is an object of its own, which costs 10 us
_ORANGE, _GREEN = (1.0, 0.7, 0.2), (0.2, 0.8, 0.5)
_LANDMARK = np.dtype([("xyz", "<f4", 3), ("num_seen", "<u4")])


class MapOutputs:
    """Publishes what the odometry knows about its surroundings, in odom, each if somebody listens.

    Topics: `landmarks` (x, y, z in metres, num_seen: keyframes that see it), `keyframes` (one
    frustum each), `tracks` (how keypoints moved, drawn on the image plane of the current camera).
    """

    def __init__(self, node: Node, odom_frame: str, config: OutputsConfig) -> None:
        self._odom_frame, self._config = odom_frame, config
        self._landmarks = node.create_publisher(PointCloud2, "landmarks", RESULT_QOS)
        self._keyframes = node.create_publisher(MarkerArray, "keyframes", RESULT_QOS)
        self._tracks = node.create_publisher(MarkerArray, "tracks", RESULT_QOS)

    def publish(
        self,
        header: Header,
        camera: Camera,
        odometry: OdometryMap,
        placement: Placement,
        result: OdometryResult,
    ) -> None:
        """Publish the map as it is after an image that has a pose."""
        assert result.T_world_camera is not None
        stamped = Header(stamp=header.stamp, frame_id=self._odom_frame)
        if self._landmarks.get_subscription_count():
            points_world, num_seen = odometry.landmarks()
            points_odom = placement.points_odom(points_world)
            self._landmarks.publish(landmarks_to_message(points_odom, num_seen, stamped))
        if self._keyframes.get_subscription_count():
            poses = [placement.T_odom_camera(T) for _, T in odometry.keyframes()]
            lines = frusta(poses, camera, self._config.marker_size_m)
            self._keyframes.publish(self._message(lines, "keyframes", _ORANGE, stamped))
        if self._tracks.get_subscription_count():
            T_odom_camera = placement.T_odom_camera(result.T_world_camera)
            lines = _moves(result.tracks, camera, T_odom_camera, self._config.marker_size_m)
            self._tracks.publish(self._message(lines, "tracks", _GREEN, stamped))

    def _message(
        self, lines: Array, name: str, colour: tuple[float, float, float], header: Header
    ) -> MarkerArray:
        return lines_to_message(lines, name, colour, header, self._config.marker_line_m)


def landmarks_to_message(points: Array, num_seen: Index, header: Header) -> PointCloud2:
    """Return the message of points (L, 3), metres, and how many keyframes see each (L,)."""
    rows = np.empty(len(points), _LANDMARK)
    rows["xyz"], rows["num_seen"] = points, num_seen
    fields = [
        PointField(name=name, offset=4 * index, datatype=datatype, count=1)
        for index, (name, datatype) in enumerate(
            [*((axis, PointField.FLOAT32) for axis in "xyz"), ("num_seen", PointField.UINT32)]
        )
    ]
    return PointCloud2(
        header=header,
        height=1,
        width=len(rows),
        fields=fields,
        point_step=_LANDMARK.itemsize,
        row_step=_LANDMARK.itemsize * len(rows),
        data=flat("B", rows),
        is_dense=True,
    )


def lines_to_message(
    lines: Array,
    namespace: str,
    colour: tuple[float, float, float],
    header: Header,
    width_m: float,
) -> MarkerArray:
    """Return the message of line segments (S, 2, 3), metres; it replaces the one before."""
    red, green, blue = colour
    marker = Marker(
        header=header,
        ns=namespace,
        type=Marker.LINE_LIST,
        action=Marker.ADD if len(lines) else Marker.DELETE,
        color=ColorRGBA(r=red, g=green, b=blue, a=1.0),
        points=[Point(x=x, y=y, z=z) for x, y, z in lines.reshape(-1, 3).tolist()],
    )
    marker.scale.x = width_m
    return MarkerArray(markers=[marker])


def _moves(tracks: TrackedPairs, camera: Camera, T_odom_camera: Array, size_m: float) -> Array:
    """Return the segments (S, 2, 3) from each inlier's previous place in the image to this one."""
    keep = np.flatnonzero(tracks.inlier_mask)
    keep = keep[np.argsort(-tracks.lengths[keep].astype(np.int64), kind="stable")][:_MAX_TRACKS]
    ends = []
    for keypoints in (tracks.keypoints_previous, tracks.keypoints_current):
        pixels = rectify_keypoints(keypoints[keep], camera)
        rays = homogeneous(to_plane(pixels, camera.K_rectified)) @ camera.R
        ends.append(se3.transform(T_odom_camera, size_m * rays))
    lines = np.stack(ends, axis=1)
    return lines[np.isfinite(lines).all(axis=(1, 2))]
