"""Metres for a single camera: from another odometry (wheels, GNSS, lidar), or from its height."""

from __future__ import annotations

import time
from collections import deque
from typing import Protocol

from nav_msgs.msg import Odometry

from aliked_ros.config import ScaleConfig
from aliked_ros.nodes.base.conversions.poses import transform_from_pose
from aliked_ros.nodes.base.qos import PAIRED_QOS
from aliked_ros.nodes.base.stamps import StampGuard
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.tracker.odometry_map import OdometryMap
from aliked_ros.odometry.ground_plane import MIN_KEYFRAMES, GroundScale
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.odometry.scale import Scale, ScaleEstimator
from aliked_ros.structs import Array


class Measure(Protocol):
    """One way to measure the scale."""

    def add(self, result: OdometryResult, placement: Placement, odometry: OdometryMap) -> None:
        """Take an image whose pose was measured."""

    def scale(self) -> Scale | None:
        """Return the scale, or None while too little is known."""

    def progress(self) -> str:
        """Say how much is known and how much is needed."""

    def break_off(self) -> None:
        """Note that images are passed over."""

    def forget(self) -> None:
        """Note that the unit may be another one from now on."""


class OdometryMeasure:
    """Compares lengths with another odometry of the same base; only its distances count."""

    def __init__(self, topics: Topics, part_m: float) -> None:
        self._estimator = ScaleEstimator(part_m)
        self._part_m = part_m
        # Filled by the executor's thread, emptied by the tracker's.
        self._arrived: deque[tuple[int, Array]] = deque(maxlen=1000)
        self._diagnostics = topics.diagnostics
        self._guard = StampGuard()
        self._topic = topics.subscribe(
            Odometry, "scale_odometry", PAIRED_QOS, self._store, is_watched=False
        )
        self.scale = self._estimator.scale
        self.break_off = self._estimator.break_off
        self.forget = self._estimator.forget

    def _store(self, message: Odometry, _: int) -> None:
        verdict = self._guard.check(message.header.stamp, time.monotonic())
        try:
            if verdict.cause:
                raise ValueError(verdict.refusal)
            T = transform_from_pose(message.pose.pose)
        except ValueError as error:
            self._diagnostics.count("scale_odometry not used", f"{self._topic}: {error}")
            return
        self._arrived.append((verdict.stamp_ns, T))

    def add(self, result: OdometryResult, placement: Placement, _: OdometryMap) -> None:
        """Take an image whose pose was measured."""
        assert result.T_world_camera is not None
        while self._arrived:
            stamp_ns, T_reference_base = self._arrived.popleft()
            T_reference_camera = T_reference_base @ placement.T_base_camera
            self._estimator.add_reference(stamp_ns, T_reference_camera[:3, 3])
        self._estimator.add(result.stamp_ns, result.T_world_camera[:3, 3])

    def progress(self) -> str:
        """Say how much is known and how much is needed."""
        ratios = self._estimator.ratios
        return (
            f"{len(ratios)} parts of {self._part_m:g} m were compared with {self._topic}, "
            f"{ratios.min_needed} are needed"
        )


class GroundMeasure:
    """Looks for the ground below the camera, whose height is known."""

    def __init__(self, camera_height_m: float) -> None:
        self._ground = GroundScale(camera_height_m)
        self.scale = self._ground.scale
        self.forget = self._ground.forget

    def add(self, _: OdometryResult, placement: Placement, odometry: OdometryMap) -> None:
        """Take an image whose pose was measured."""
        up_camera = placement.T_base_camera[2, :3]
        self._ground.add(*odometry.keyframe_points(), up_camera)

    def break_off(self) -> None:
        """Note that images are passed over: heights have no gap."""

    def progress(self) -> str:
        """Say how much is known and how much is needed."""
        text = (
            f"keyframes that have shown the ground: {self._ground.num_measured}, needed: "
            f"{MIN_KEYFRAMES}"
        )
        return f"{text}; now {self._ground.reason}" if self._ground.reason else text


class ScaleSource:
    """Gives placements their scale, metres per unit, from what `scale_source` says.

    Args:
        topics: subscribes, and has the diagnostics that show the scale.
        config: where metres come from.
    """

    def __init__(self, topics: Topics, config: ScaleConfig) -> None:
        self._measure: Measure | None = None
        if config.scale_source == "odometry":
            self._measure = OdometryMeasure(topics, config.scale_part_m)
        elif config.scale_source == "camera_height":
            self._measure = GroundMeasure(config.camera_height_m)
        self._active: Scale | None = None
        if self._measure is not None:
            topics.diagnostics.show("metres per unit", self._shown)

    def place(self, result: OdometryResult, placement: Placement, odometry: OdometryMap) -> str:
        """Give a placement the newest scale; return why there is none yet, or an empty string."""
        measure = self._measure
        if measure is None or result.T_world_camera is None:
            return ""
        if result.state is State.TRACKING:
            measure.add(result, placement, odometry)
        elif result.state is State.LOST:
            measure.forget()  # the unit is another one if the map restarts
        scale = measure.scale()
        if scale is not None and scale != self._active:
            # What nobody has heard of yet may still grow from its beginning.
            newest = None if self._active is None else result.T_world_camera
            placement.rescale(scale.value, scale.sigma, newest)
            self._active = scale
        return "" if self._active else f"the scale is not known yet: {measure.progress()}"

    def break_off(self) -> None:
        """Note that images are passed over."""
        if self._measure is not None:
            self._measure.break_off()

    def forget(self) -> None:
        """Note that the odometry restarts, in a unit of its own."""
        if self._measure is not None:
            self._measure.forget()
        self._active = None

    def _shown(self) -> str:
        scale = self._active
        return "unknown" if scale is None else f"{scale.value:.4g} +- {scale.sigma:.2g}"
