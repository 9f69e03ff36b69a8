"""Everything that the tracker publishes about an image that it tracked."""

from __future__ import annotations

from dataclasses import replace

from rclpy.node import Node

from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.tracker.base_pose import BasePose, base_pose
from aliked_ros.nodes.tracker.beginning import Beginning
from aliked_ros.nodes.tracker.map_outputs import MapOutputs
from aliked_ros.nodes.tracker.odometry_map import OdometryMap
from aliked_ros.nodes.tracker.pose_outputs import PoseOutputs
from aliked_ros.nodes.tracker.scale_source import ScaleSource
from aliked_ros.nodes.tracker.settings import TrackerSettings
from aliked_ros.nodes.tracker.setup import Setup
from aliked_ros.nodes.tracker.track_outputs import TrackOutputs
from aliked_ros.odometry.increment import IncrementCovariance
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, OdometryResult
from aliked_ros.structs import Array


class TrackerOutputs:
    """Publishes tracks at once, and pose and map as soon as they are in metres.

    Args:
        node: publishes.
        topics: subscribes, and has the diagnostics that show the scale.
        settings: of the tracker.
        fixed_mount: (4, 4) T_base_camera if a parameter says it, metres: then nobody else
            publishes it; None if TF has it already.

    Attributes:
        last_pose: (4, 4) T_odom_base that was published last, metres; None if none was since odom
            began.
        trajectory: stamp (ns) and T_odom_base (16 float64) of the measured poses since the last
            restart.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        settings: TrackerSettings,
        fixed_mount: Array | None,
    ) -> None:
        self._fixed_mount = fixed_mount
        self._mounted_frame = ""  # whose mount was published
        self._beginning = Beginning.at_origin()
        self._has_begun = False  # whether a pose was measured since
        self.last_pose: Array | None = None
        self._poses = PoseOutputs(node, topics, settings.frames, settings.outputs)
        self._tracks = TrackOutputs(node, settings.outputs.vins_max_tracks)
        self._map = MapOutputs(node, settings.frames.odom_frame, settings.outputs)
        self._scale_source = ScaleSource(topics, settings.scale)
        self._increments = IncrementCovariance()
        self.trajectory = self._poses.trajectory

    def publish(
        self, setup: Setup, odometry: OdometryMap, placement: Placement, result: OdometryResult
    ) -> str:
        """Publish what an image yielded; return why its pose is not in metres yet, or "".

        Args:
            setup: of the image.
            odometry: what the map is asked of.
            placement: where the world of the odometry lies in odom; may get a new scale.
            result: of the image.
        """
        header, camera = setup.header, setup.camera
        self._publish_mount(setup)
        self._tracks.publish(header, camera, result)
        increment = self._increments.update(result)
        if result.T_world_camera is None:
            return ""
        why_not = self._scale_source.place(result, placement, odometry)
        if not why_not:
            self._poses.publish(header, self._base_pose(result, placement, increment))
            self._map.publish(header, camera, odometry, placement, result)
        return why_not

    def break_off(self) -> None:
        """Note that images are passed over: no velocity and no length spans the gap."""
        for part in (self._increments, self._scale_source, self._poses):
            part.break_off()

    def forget(self, beginning: Beginning) -> None:
        """Note that the odometry restarts."""
        self._beginning, self._has_begun = beginning, False
        is_continuous = beginning.covariance.any()
        if not is_continuous:
            self.last_pose = None
        self._increments.forget()
        self._scale_source.forget()
        self._poses.forget()

    def _base_pose(
        self, result: OdometryResult, placement: Placement, increment: Array | None
    ) -> BasePose:
        """Return the pose of the base; the first one after a restart says that it is uncertain."""
        pose = base_pose(result, placement, increment, self._beginning.covariance)
        self.last_pose = pose.T_odom_base
        if pose.is_measured and not self._has_begun:
            self._has_begun = True
            if not self._beginning.is_asked_for:
                return replace(pose, covariance=UNKNOWN_COVARIANCE)
        return pose

    def _publish_mount(self, setup: Setup) -> None:
        if self._fixed_mount is None or not setup.camera_frame:
            return
        if setup.camera_frame != self._mounted_frame:
            self._poses.publish_mount(setup.header, setup.camera_frame, self._fixed_mount)
            self._mounted_frame = setup.camera_frame
