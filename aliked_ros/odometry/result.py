"""What the odometry says about one image."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from aliked_ros.structs import Array, Floats, Index, Mask

# Variance (m^2, rad^2) that says "unknown": no filter that sees it will trust the pose.
UNKNOWN_VARIANCE = 1e4
UNKNOWN_COVARIANCE = UNKNOWN_VARIANCE * np.eye(6)


class State(Enum):
    """Whether there is a pose."""

    INITIALISING = "initialising"  # no pose yet
    TRACKING = "tracking"  # the pose is measured
    PREDICTED = "predicted"  # the pose is where the camera's velocity leads, nothing is measured
    LOST = "lost"  # the pose is an old one


class Motion(Enum):
    """How the camera moved against the reference keyframe."""

    UNKNOWN = "unknown"
    NONE = "none"
    ROTATION = "rotation"  # without measurable translation
    GENERAL = "general"


@dataclass(frozen=True, eq=False)
class TrackedPairs:
    """Keypoints of the current image that were found again from the previous one; K pairs.

    Attributes:
        previous_stamp_ns: stamp of the previous image; that of the current one if there is none.
        indices: (K, 2) int64, rows in the previous and in the current features.
        keypoints_previous: (K, 2) float32, px in the previous raw image.
        keypoints_current: (K, 2) float32, px in the current raw image.
        similarities: (K,) float32, cosine similarity of the descriptors.
        track_ids: (K,) uint64, the same as long as the point is found again; never reused.
        lengths: (K,) uint32, images in which the track was seen, the current one included.
        inlier_mask: (K,) bool, pairs that agree with the estimated motion.
    """

    previous_stamp_ns: int
    indices: Index
    keypoints_previous: Floats
    keypoints_current: Floats
    similarities: Floats
    track_ids: NDArray[np.uint64]
    lengths: NDArray[np.uint32]
    inlier_mask: Mask

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class OdometryResult:
    """What became of one image.

    Attributes:
        stamp_ns: of the image.
        state: whether the pose is measured.
        motion: against the reference keyframe.
        T_world_camera: (4, 4) pose of the raw camera's optical frame; metres, or for a single
            camera its own unit (VisualOdometry says which); None while initialising. The world
            is the optical frame of the first keyframe.
        covariance: (6, 6) of the pose: translation (unit of the pose), then rotation (rad), both
            about the axes of the camera; UNKNOWN_VARIANCE on the diagonal while lost.
        num_keypoints: in the image.
        num_matches: pairs with the previous image, the length of tracks.
        num_inliers: keypoints that support the pose.
        parallax_deg: median angle between matched rays after removing the rotation, against the
            reference keyframe.
        is_keyframe: the image became the reference.
        reason: one sentence, empty while tracking normally.
        tracks: pairs with the previous image.
        noise_covariance: (6, 6) the part of covariance that is of this image alone; the rest stays
            with the next one.
        step_covariance: (6, 6) what that rest gained since the image before; None where nobody
            knows.
        unit_deviation: relative standard deviation of the unit of a single camera, 0 where metres
            are measured. `odometry.increment` makes the covariance of a motion of the three.
        num_attached: keypoints that were left out, because they move along with the camera.
    """

    stamp_ns: int
    state: State
    motion: Motion
    T_world_camera: Array | None
    covariance: Array
    num_keypoints: int
    num_matches: int
    num_inliers: int
    parallax_deg: float
    is_keyframe: bool
    reason: str
    tracks: TrackedPairs
    noise_covariance: Array = field(default_factory=lambda: np.zeros((6, 6)))
    step_covariance: Array | None = None
    unit_deviation: float = 0.0
    num_attached: int = 0
