"""Features of an image -> depths -> matches -> pose: the order of the steps, and their times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from aliked_ros.native import one_torch_thread
from aliked_ros.structs import Array, Features, Floats, Frame, Pixels

if TYPE_CHECKING:
    from aliked_ros.odometry.result import OdometryResult
    from aliked_ros.odometry.rig import Rig
    from aliked_ros.odometry.visual_odometry import VisualOdometry

STAGES = ("extract", "depth", "match", "estimate")


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """What became of one frame.

    Attributes:
        features: of the (left) image.
        result: what the odometry says.
        stages_ms: stage -> milliseconds; "extract" only where the pipeline extracted.
        num_depths: keypoints whose depth was measured.
    """

    features: Features
    result: OdometryResult
    stages_ms: dict[str, float]
    num_depths: int = 0


class FramePipeline:
    """Runs the steps on one frame after another; frames come in order of time.

    Args:
        rig: the cameras and how they measure depth.
        odometry: features and depths -> pose.
        clock: returns seconds; the library reads no clock of its own.
        extract: image -> features, an Extractor; None if features come from elsewhere.
    """

    def __init__(
        self,
        rig: Rig,
        odometry: VisualOdometry,
        clock: Callable[[], float],
        extract: Callable[[Pixels], Features] | None = None,
    ) -> None:
        self.rig = rig
        self.odometry = odometry
        self._clock = clock
        self._extract = extract

    def process(self, frame: Frame) -> TrackedFrame:
        """Extract the features of a frame, and track them."""
        assert self._extract is not None
        start_s = self._clock()
        features = self._extract(frame.image)
        extract_ms = (self._clock() - start_s) * 1e3
        tracked = self.track(
            frame.stamp_ns, features, frame.image, frame.right_image, frame.depth_m,
            depth_offset_s=frame.depth_offset_s,
        )  # fmt: skip
        stages_ms = {"extract": extract_ms, **tracked.stages_ms}
        return replace(tracked, stages_ms=stages_ms)

    @one_torch_thread()
    def track(
        self,
        stamp_ns: int,
        features: Features,
        image: Pixels | None = None,
        right_image: Pixels | None = None,
        depth_m: Floats | None = None,
        orientation: Callable[[int], Array | None] | None = None,
        depth_offset_s: float = 0.0,
    ) -> TrackedFrame:
        """Measure depths at the features of an image, match them, and estimate the pose.

        Args:
            stamp_ns: of the image.
            features: of the (left) image.
            image: the (left) image; only a stereo pair needs it.
            right_image: of the same instant.
            depth_m: (H, W) depth image, metres.
            orientation: stamp -> R_inertial_camera (3, 3) or None; asked as late as possible, so
                that an inertial sensor has spoken of this instant.
            depth_offset_s: stamp of the depth image minus that of the image, s.

        Raises:
            ValueError: if stamp, features or images cannot be used.
        """
        start_s = self._clock()
        keypoints = features.to("cpu").keypoints.detach().numpy()
        depths_m = self.rig.measure_depths(keypoints, image, right_image, depth_m)
        measured_s = self._clock()
        matches = self.odometry.match(features)
        matched_s = self._clock()
        R_inertial_camera = None if orientation is None else orientation(stamp_ns)
        result = self.odometry.estimate(
            stamp_ns, features, matches, depths_m, R_inertial_camera, depth_offset_s
        )
        stages_ms = {
            "depth": (measured_s - start_s) * 1e3,
            "match": (matched_s - measured_s) * 1e3,
            "estimate": (self._clock() - matched_s) * 1e3,
        }
        num_depths = 0 if depths_m is None else int(np.isfinite(depths_m).sum())
        return TrackedFrame(features, result, stages_ms, num_depths)
