"""The odometry of the current calibration: when it restarts, and what it makes of an image."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from rclpy.node import Node

from aliked_ros.geometry.plausibility import implausible_pair
from aliked_ros.matching import check_descriptors
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.tracker.attached_keypoints import AttachedKeypoints
from aliked_ros.nodes.tracker.beginning import Beginning, RecordingCheck
from aliked_ros.nodes.tracker.frame_images import FrameImageReader
from aliked_ros.nodes.tracker.frame_inputs import FrameInputs
from aliked_ros.nodes.tracker.imu import ImuOrientation
from aliked_ros.nodes.tracker.not_ready import NotReadyError
from aliked_ros.nodes.tracker.outputs import TrackerOutputs
from aliked_ros.nodes.tracker.settings import TrackerSettings
from aliked_ros.nodes.tracker.setup import Models, Setup, why_restart
from aliked_ros.nodes.tracker.setup_reader import SetupReader
from aliked_ros.nodes.tracker.status import Outcome
from aliked_ros.odometry.pipeline import FramePipeline, TrackedFrame
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.rig import Rig, make_rig
from aliked_ros.odometry.runners import InBackground
from aliked_ros.odometry.visual_odometry import VisualOdometry
from aliked_ros.structs import Array, Index

MakeOdometry = Callable[..., VisualOdometry]  # config, matcher, camera, right camera or None
# What a node runs: keyframes are adjusted on a thread of their own, no image waits for it.
make_live_odometry = partial(VisualOdometry, make_runner=InBackground)

_MAX_FAILED = 3  # images in a row that may fail before the odometry is believed to be broken


def make_pipeline(
    settings: TrackerSettings, setup: Setup, make_odometry: MakeOdometry
) -> FramePipeline:
    """Return the steps from features to a pose for the cameras of a setup.

    Raises:
        ValueError: if a stereo pair has no baseline.
    """
    rig = _make_rig(settings, setup)
    odometry = make_odometry(settings.odometry, settings.matcher, rig.camera, rig.right_camera)
    return FramePipeline(rig, odometry, time.perf_counter)


def _make_rig(settings: TrackerSettings, setup: Setup) -> Rig:
    sensor = settings.odometry.sensor
    return make_rig(sensor, setup.camera, setup.right_camera, config=settings.stereo)


class Session:
    """Tracks one image after the other, and publishes what they yield.

    When the odometry does not hold for an image (another calibration or network, a jump of time, an
    error), it restarts at the last pose: odom is continuous (REP 105). Only a recording that starts
    over begins at the origin. The outcome of that very image says why.

    Args:
        node: publishes.
        topics: subscribes.
        settings: of the tracker.
        device: where descriptors are matched.
        make_odometry: config, matcher, camera and right camera or None -> odometry.
        diagnostics: hears what is wrong.

    Attributes:
        num_restarts: since the node was configured.
        last_restart: why; empty before the first.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        settings: TrackerSettings,
        device: torch.device,
        make_odometry: MakeOdometry,
        diagnostics: Diagnostics,
    ) -> None:
        self._device = device
        self._diagnostics = diagnostics
        self._settings, self._make_odometry = settings, make_odometry
        self._setups = SetupReader(node, topics, settings)
        noise_deg = settings.odometry.rotation_prior_noise_deg
        self._attached = AttachedKeypoints(diagnostics)
        self._imu = ImuOrientation(node, topics, settings.frames, noise_deg, diagnostics)
        self._outputs = TrackerOutputs(node, topics, settings, self._setups.fixed_mount)
        self._images = FrameImageReader(settings.images, settings.inputs, diagnostics)
        self._recording = RecordingCheck(node, settings.inputs.restart_at)
        self._setup: Setup | None = None  # of the newest image
        self._models = Models()
        self._made_for: Setup | None = None  # that the pipeline was made for
        self._pipeline: FramePipeline | None = None
        self._placement: Placement | None = None  # None from a restart to the next image
        self._beginning = Beginning.at_origin()
        self._jump_number = 0  # of the last jump of time that the odometry has seen
        self._num_failed = 0  # images in a row that the odometry failed at
        self._untold = ""  # why the odometry has restarted, until an image says so
        self.num_restarts = 0
        self.last_restart = ""

    def process(self, inputs: FrameInputs, handover_ms: float) -> Outcome:
        """Track an image and publish what that yields; return what became of the image."""
        outcome = Outcome(inputs.handover.header, stages_ms={"handover": handover_ms})
        try:
            outcome = replace(outcome, extraction=inputs.handover.open())
            outcome = self._track(inputs, outcome)
        except NotReadyError as error:
            outcome = replace(outcome, skipped="not ready", reason=str(error))
        except ValueError as error:
            outcome = replace(outcome, skipped="unusable", reason=explain(error))
        why, self._untold = self._untold, ""
        return replace(outcome, restart_reason=why, num_restarts=self.num_restarts)

    def reconfigure(self, settings: TrackerSettings) -> None:
        """Take other live parameters from the next image on; pose and map stay."""
        self._settings = settings
        self._imu.noise_deg = settings.odometry.rotation_prior_noise_deg
        self._images.depth_scale = settings.inputs.depth_scale
        self._recording.restart_at = settings.inputs.restart_at
        if self._pipeline is not None and self._made_for is not None:
            self._pipeline.rig = _make_rig(settings, self._made_for)
            self._pipeline.odometry.reconfigure(settings.odometry, settings.matcher)

    def restart(self, beginning: Beginning, why: str) -> None:
        """Forget everything; at the next image the base is where the beginning says."""
        self._beginning, self._placement = beginning, None
        self._pipeline = self._made_for = None
        self._num_failed = 0
        self.num_restarts += 1
        self._untold = self.last_restart = why
        self._imu.forget()
        self._outputs.forget(beginning)

    def break_off(self) -> None:
        """Note that images are passed over: no velocity and no length spans the gap."""
        self._outputs.break_off()

    @property
    def last_pose(self) -> Array | None:
        """(4, 4) T_odom_base that was published last, metres; None if none was since odom began."""
        return self._outputs.last_pose

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

    def _track(self, inputs: FrameInputs, outcome: Outcome) -> Outcome:
        """Track an image whose features were opened.

        Raises:
            NotReadyError: if something is missing that every image needs.
            ValueError: if the image or the calibration cannot be used.
        """
        assert outcome.extraction is not None
        setup = self._setups.read(outcome.extraction)
        model, descriptor_dim = setup.model
        check_descriptors(self._settings.matcher, descriptor_dim, model)
        pipeline, placement = self._prepare(setup, inputs)
        try:
            tracked, missing = self._run_pipeline(inputs, outcome.extraction, pipeline, placement)
        except Exception as error:
            self._note_failure(explain(error))
            raise
        self._num_failed = 0
        result = tracked.result
        self._attached.note(result.num_attached)
        reason = self._outputs.publish(setup, pipeline.odometry, placement, result)
        return replace(
            outcome,
            reason=reason,
            missing=missing,
            result=result,
            num_depths=tracked.num_depths,
            stages_ms={**(outcome.stages_ms or {}), **tracked.stages_ms},
        )

    def _prepare(self, setup: Setup, inputs: FrameInputs) -> tuple[FramePipeline, Placement]:
        """Return what tracks an image; the odometry restarts if it does not hold any more.

        Raises:
            ValueError: if the calibration cannot be used.
        """
        self._models.check(self._setup if self._placement is not None else None, setup)
        before, self._setup = self._setup, setup
        has_jumped = inputs.jump.number != self._jump_number
        self._jump_number = inputs.jump.number
        if before is not None and self._placement is not None:
            why = str(inputs.jump) if has_jumped else why_restart(before, setup)
            if why:
                starts_over = has_jumped and self._recording.starts_over(inputs.jump)
                self._restart_by_itself(why, starts_over)
        if self._pipeline is None or not setup.has_cameras_of(self._made_for):
            self._pipeline, self._made_for = self._new_pipeline(setup), setup
        if self._placement is None:
            # The camera is taken to be fixed to the robot: its place holds until a restart.
            self._placement = Placement(setup.T_base_camera, self._beginning.T_odom_base)
        return self._pipeline, self._placement

    def _new_pipeline(self, setup: Setup) -> FramePipeline:
        if setup.right_camera is not None:
            for text in implausible_pair(setup.right_camera, setup.camera):
                self._diagnostics.warn(text, "calibration")
        return make_pipeline(self._settings, setup, self._make_odometry)

    def _restart_by_itself(self, why: str, starts_over: bool = False) -> None:
        """Restart where the base was seen last, or at the origin of a recording."""
        where = "at the origin" if starts_over else "at the last pose"
        self._diagnostics.warn(f"{why}: the odometry restarts {where}", "restart")
        last = self._outputs.last_pose
        if starts_over:
            self.restart(Beginning.at_origin(is_asked_for=False), why)
        elif last is None:  # nothing was published yet that could jump
            self.restart(self._beginning, why)
        else:
            self.restart(Beginning.at_last_pose(last), why)

    def _note_failure(self, text: str) -> None:
        """Restart an odometry that fails again and again: what broke it may be a part of it."""
        self._num_failed += 1
        if self._num_failed >= _MAX_FAILED:
            self._restart_by_itself(f"{self._num_failed} images in a row failed ({text})")

    def _run_pipeline(
        self,
        inputs: FrameInputs,
        extraction: Extraction,
        pipeline: FramePipeline,
        placement: Placement,
    ) -> tuple[TrackedFrame, str]:
        """Return the result of an image, and why less is known of it than its sensor measures.

        Raises:
            ValueError: if the image cannot be used.
        """
        start_s = time.perf_counter()
        on_host = extraction.features.to("cpu")  # again, nobody has to wait for the device
        features = replace(extraction.features.to(self._device), on_host=on_host)
        images = self._images.read(inputs, extraction)
        unpack_ms = (time.perf_counter() - start_s) * 1e3
        tracked = pipeline.track(
            stamp_to_ns(extraction.header.stamp),
            features,
            images.image,
            images.right_image,
            images.depth_m,
            orientation=partial(self._imu.at, T_base_camera=placement.T_base_camera),
            depth_offset_s=images.depth_offset_s,
        )
        result = tracked.result
        if result.T_world_camera is not None and not np.isfinite(result.T_world_camera).all():
            raise ValueError("the odometry found a pose that is not finite")
        self._imu.compare(result)
        # Depth is measured in what has just been unpacked: that is one stage.
        stages_ms = tracked.stages_ms | {"depth": unpack_ms + tracked.stages_ms["depth"]}
        return replace(tracked, stages_ms=stages_ms), images.missing
