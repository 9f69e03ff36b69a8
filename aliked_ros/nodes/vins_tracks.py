"""Tracks in the form that VINS-Mono and its descendants take from their front end."""

from __future__ import annotations

from geometry_msgs.msg import Point32
from rclpy.node import Node
from sensor_msgs.msg import ChannelFloat32, PointCloud
from std_msgs.msg import Header

from aliked_ros.nodes.conversions import flat
from aliked_ros.nodes.parameters import declare
from aliked_ros.nodes.topics import RESULT_QOS
from aliked_ros.odometry.result import OdometryResult
from aliked_ros.odometry.vins_form import vins_form
from aliked_ros.structs import Camera

# The order in which VINS-Mono reads them; it ignores the names.
CHANNELS = (
    "id_of_point",
    "u_of_point",
    "v_of_point",
    "velocity_x_of_point",
    "velocity_y_of_point",
)


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
            points, channels = vins_form(result, camera, self._max_tracks)
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
