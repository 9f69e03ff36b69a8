"""A sequence without pictures, and an odometry that knows the truth: for tests of runs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from aliked_ros.datasets import FrameError, GroundTruth, Sequence
from aliked_ros.datasets.sequence import Calibration, Pictures
from aliked_ros.geometry import se3
from aliked_ros.odometry.result import Motion, State
from aliked_ros.structs import Camera, Frame

NUM_FRAMES = 60
PERIOD_NS = 10**8


class Walk(Sequence):
    """A walk of six seconds with turns, ten grey images a second."""

    layout = "synthetic"

    def __init__(self, unreadable: frozenset[int] = frozenset()) -> None:
        stamps_ns = 10**9 + PERIOD_NS * np.arange(NUM_FRAMES, dtype=np.int64)
        time = np.arange(NUM_FRAMES) / 10
        zero = np.zeros(NUM_FRAMES)
        twists = np.column_stack([np.sin(time), zero, time, zero, 0.2 * time, zero])
        poses = np.array([se3.exp(twist) for twist in twists])
        camera = Camera(8, 6, np.diag([8.0, 8.0, 1.0]))
        self.unreadable = unreadable
        super().__init__(
            "walk", stamps_ns, Calibration(camera),
            sensors=("mono", "rgbd"), ground_truth=GroundTruth(stamps_ns, poses),
        )  # fmt: skip

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        if index in self.unreadable:
            raise FrameError(index, "cut off")
        image = np.full((6, 8), 100, np.uint8)
        return Pictures(image, None, np.ones((6, 8), np.float32) if with_depth else None)


class TruthfulMap:
    """A map whose keyframes are every tenth frame."""

    def __init__(self) -> None:
        self.poses: list[tuple[int, np.ndarray]] = []

    def keyframes(self) -> list[tuple[int, np.ndarray]]:
        """Return the keyframes."""
        return self.poses

    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        """Return some landmarks."""
        return np.zeros((17, 3)), np.full(17, 2)


class Truthful:
    """Says the true pose of each frame in another world; of black images and of some, LOST.

    Attributes:
        lost: numbers of frames, counted from the first that is processed.
        error: (4, 4) put behind every pose but the first.
    """

    def __init__(
        self, lost: frozenset[int] = frozenset(), error: np.ndarray | None = None, scale: float = 1
    ) -> None:
        self.lost, self.error, self.scale = lost, error, scale
        self.num_seen = 0
        self.odometry = TruthfulMap()
        self._world = se3.exp(np.array([3.0, -1, 2, 0.5, 1, -0.7]))
        self._held = self._world

    def process(self, frame: Frame) -> SimpleNamespace:
        """Return what a FramePipeline returns, as far as runs look at it."""
        is_lost = self.num_seen in self.lost or not frame.image.any()
        if not is_lost:
            pose = self._world @ frame.T_world_camera
            pose[:3, 3] *= self.scale
            self._held = pose if self.error is None or not self.num_seen else pose @ self.error
        result = SimpleNamespace(
            stamp_ns=frame.stamp_ns,
            state=State.LOST if is_lost else State.TRACKING,
            motion=Motion.UNKNOWN if is_lost else Motion.GENERAL,
            reason="black" if is_lost else "",
            T_world_camera=self._held,
            covariance=1e-6 * (1 + self.num_seen) * np.eye(6),
            noise_covariance=5e-7 * np.eye(6),
            step_covariance=1e-6 * np.eye(6),
            unit_deviation=0.0,
            is_keyframe=self.num_seen == 0,
            num_keypoints=100,
            num_matches=50,
            num_inliers=40,
            parallax_deg=1.0,
        )
        if self.num_seen % 10 == 0:
            self.odometry.poses.append((frame.stamp_ns, self._held))
        self.num_seen += 1
        stages_ms = {"extract": 0.0, "match": 0.5, "estimate": 1.5}
        return SimpleNamespace(result=result, stages_ms=stages_ms)
