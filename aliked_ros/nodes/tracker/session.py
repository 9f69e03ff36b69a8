"""The odometry of the current calibration: when it restarts, and what it makes of an image."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from rclpy.node import Node

from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.tracker.imu import ImuOrientation
from aliked_ros.nodes.tracker.inputs import FrameInputs
from aliked_ros.nodes.tracker.not_ready import NotReadyError
from aliked_ros.nodes.tracker.outputs import TrackerOutputs
from aliked_ros.nodes.tracker.settings import TrackerSettings
from aliked_ros.nodes.tracker.setup import Setup, why_restart
from aliked_ros.nodes.tracker.setup_reader import SetupReader
from aliked_ros.nodes.tracker.status import Outcome
from aliked_ros.odometry.pipeline import FramePipeline
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import OdometryResult
from aliked_ros.odometry.rig import make_rig
from aliked_ros.odometry.runners import InBackground
from aliked_ros.odometry.visual_odometry import VisualOdometry
from aliked_ros.structs import Array, Index

MakeOdometry = Callable[..., VisualOdometry]  # config, matcher, camera, right camera or None
# What a node runs: keyframes are adjusted on a thread of their own, no image waits for it.
make_live_odometry = partial(VisualOdometry, make_runner=InBackground)


def make_pipeline(
    settings: TrackerSettings, setup: Setup, make_odometry: MakeOdometry
) -> FramePipeline:
    """Return the steps from features to a pose for the cameras of a setup.

    Raises:
        ValueError: if a stereo pair has no baseline.
    """
    sensor = settings.odometry.sensor
    rig = make_rig(sensor, setup.camera, setup.right_camera, config=settings.stereo)
    odometry = make_odometry(settings.odometry, settings.matcher, rig.camera, rig.right_camera)
    return FramePipeline(rig, odometry, time.perf_counter)


class Session:
    """Tracks one image after the other, and publishes what they yield.

    Args:
        node: subscribes and publishes.
        settings: of the tracker.
        device: where descriptors are matched.
        make_odometry: config, matcher, camera and right camera or None -> odometry.
        diagnostics: hears what is wrong.
    """

    def __init__(
        self,
        node: Node,
        settings: TrackerSettings,
        device: torch.device,
        make_odometry: MakeOdometry,
        diagnostics: Diagnostics,
    ) -> None:
        self._device = device
        self._diagnostics = diagnostics
        self._make_pipeline = partial(make_pipeline, settings, make_odometry=make_odometry)
        self._setups = SetupReader(node, settings)
        noise_deg = settings.odometry.rotation_prior_noise_deg
        self._imu = ImuOrientation(node, settings.frames, noise_deg, diagnostics)
        self._outputs = TrackerOutputs(node, settings, self._setups.fixed_mount, diagnostics)
        self._setup: Setup | None = None  # of the newest image
        self._made_for: Setup | None = None  # that the pipeline was made for
        self._pipeline: FramePipeline | None = None
        self._placement: Placement | None = None  # None from a restart to the next image
        self._T_odom_start: Array = np.eye(4)  # where the base is when the odometry starts

    def process(self, inputs: FrameInputs, handover_ms: float) -> Outcome:
        """Track an image and publish what that yields; return what became of the image."""
        header, extraction = inputs.handover.header, None
        stages_ms = {"handover": handover_ms}
        try:
            extraction = inputs.handover.open()
            setup = self._setups.read(extraction)
            pipeline, placement = self._prepare(setup)
            result, spent_ms = self._run_pipeline(inputs, extraction, pipeline, placement)
        except (NotReadyError, ValueError) as error:
            skipped = "not ready" if isinstance(error, NotReadyError) else "unusable"
            return Outcome(header, skipped, str(error), extraction, stages_ms=stages_ms)
        reason = self._outputs.publish(setup, pipeline.odometry, placement, result)
        return Outcome(header, "", reason, extraction, result, stages_ms | spent_ms)

    def restart(self, T_odom_base: Array) -> None:
        """Forget everything; at the next image the base is at a pose (4, 4), metres."""
        if self._pipeline is not None:
            self._pipeline.odometry.reset()
        self._T_odom_start, self._placement = T_odom_base, None
        self._imu.forget()
        self._outputs.forget()

    def break_off(self) -> None:
        """Note that images are passed over: no velocity and no length spans the gap."""
        self._outputs.break_off()

    def trajectory(self) -> list[tuple[int, bytes]]:
        """Return stamps (ns) and T_odom_base (16 float64) since the last restart."""
        return list(self._outputs.trajectory)

    def landmarks(self) -> tuple[int, Array, Index]:
        """Return the newest stamp (ns), points_odom (L, 3) in metres, and num_seen (L,)."""
        stamp_ns = 0 if self._setup is None else self._setup.stamp_ns
        if self._pipeline is None or self._placement is None:
            return stamp_ns, np.zeros((0, 3)), np.zeros(0, np.int64)
        points_world, num_seen = self._pipeline.odometry.landmarks()
        return stamp_ns, self._placement.points_odom(points_world), num_seen

    def _prepare(self, setup: Setup) -> tuple[FramePipeline, Placement]:
        """Return what tracks an image; the odometry restarts if it does not hold any more.

        Raises:
            ValueError: if the calibration cannot be used.
        """
        before, self._setup = self._setup, setup
        why = ""
        if before is not None and self._placement is not None:
            why = why_restart(before, setup)
        if why:
            self._diagnostics.warn(f"{why}: the odometry restarts")
            self.restart(np.eye(4))
        if self._pipeline is None or not setup.has_cameras_of(self._made_for):
            self._pipeline, self._made_for = self._make_pipeline(setup), setup
        if self._placement is None:
            # The camera is taken to be fixed to the robot: its place holds until a restart.
            self._placement = Placement(setup.T_base_camera, self._T_odom_start)
        return self._pipeline, self._placement

    def _run_pipeline(
        self,
        inputs: FrameInputs,
        extraction: Extraction,
        pipeline: FramePipeline,
        placement: Placement,
    ) -> tuple[OdometryResult, dict[str, float]]:
        """Return the result of an image, and the milliseconds of each stage.

        Raises:
            ValueError: if the image cannot be used.
        """
        start_s = time.perf_counter()
        on_host = extraction.features.to("cpu")  # again, nobody has to wait for the device
        features = replace(extraction.features.to(self._device), on_host=on_host)
        images = inputs.decode(extraction)
        unpack_ms = (time.perf_counter() - start_s) * 1e3
        tracked = pipeline.track(
            stamp_to_ns(extraction.header.stamp),
            features,
            *images,
            orientation=partial(self._imu.at, T_base_camera=placement.T_base_camera),
        )
        self._imu.compare(tracked.result)
        # Depth is measured in what has just been unpacked: that is one stage.
        depth_ms = unpack_ms + tracked.stages_ms["depth"]
        return tracked.result, {**tracked.stages_ms, "depth": depth_ms}
