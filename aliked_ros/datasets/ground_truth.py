"""Ground truth of a camera: stamped poses, looked up at the stamp of an image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aliked_ros.geometry.quaternions import to_quaternions, to_rotations
from aliked_ros.structs import Array, Index

_SMALL_ANGLE = 1e-6  # rad, of quaternions: below, sines are their arguments

MAX_INTERPOLATION_GAP_NS = 100_000_000
MAX_NEAREST_GAP_NS = 20_000_000


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Poses of the (left) camera's optical frame, at a rate of their own.

    Attributes:
        stamps_ns: (M,) int64, nanoseconds, strictly increasing.
        T_world_camera: (M, 4, 4) float64, metres.
        num_left_out: rows of its file that hold no pose: not finite, or a quaternion of 0.
    """

    stamps_ns: Index
    T_world_camera: Array
    num_left_out: int = 0

    def __len__(self) -> int:
        return len(self.stamps_ns)

    def at(self, stamp_ns: int) -> Array | None:
        """Return the (4, 4) pose at a stamp, or None where there is none near enough.

        Between two poses at most 100 ms apart it is interpolated (straight line, shortest turn);
        elsewhere the nearest pose counts if it is within 20 ms.
        """
        after = int(np.searchsorted(self.stamps_ns, stamp_ns))
        if after < len(self) and self.stamps_ns[after] == stamp_ns:
            return self._pose(after)
        before = after - 1
        if before >= 0 and after < len(self):
            gap_ns = int(self.stamps_ns[after] - self.stamps_ns[before])
            if gap_ns <= MAX_INTERPOLATION_GAP_NS:
                fraction = (stamp_ns - int(self.stamps_ns[before])) / gap_ns
                return _between(self.T_world_camera[before], self.T_world_camera[after], fraction)
        near = [i for i in (before, after) if 0 <= i < len(self)]
        nearest = min(near, key=lambda i: abs(int(self.stamps_ns[i]) - stamp_ns), default=None)
        if nearest is None or abs(int(self.stamps_ns[nearest]) - stamp_ns) > MAX_NEAREST_GAP_NS:
            return None
        return self._pose(nearest)

    def _pose(self, index: int) -> Array:
        T_world_camera: Array = self.T_world_camera[index]
        return T_world_camera

    def moved_by(self, T_body_camera: Array) -> GroundTruth:
        """Return the poses of a camera that is fixed to the body whose poses these are."""
        return replace(self, T_world_camera=self.T_world_camera @ T_body_camera)


def are_rotations(R: Array) -> NDArray[np.bool_]:
    """Return which of (M, 3, 3) matrices, written with few digits, are rotations: (M,) bool."""
    with np.errstate(invalid="ignore"):
        squares = R @ R.transpose(0, 2, 1)
        is_orthogonal = np.abs(squares - np.eye(3)).max(axis=(1, 2), initial=0.0) < 0.05
        return np.asarray(is_orthogonal & (np.linalg.det(R) > 0))


def nearest_rigid(T: Array) -> Array:
    """Return (M, 4, 4) poses whose rotations, written with few digits, are orthogonal again."""
    U, _, V_transposed = np.linalg.svd(T[:, :3, :3])
    rigid = np.tile(np.eye(4), (len(T), 1, 1))
    rigid[:, :3, :3] = U @ V_transposed
    rigid[:, :3, 3] = T[:, :3, 3]
    return rigid


def _between(T_world_0: Array, T_world_1: Array, fraction: float) -> Array:
    """Return the pose a fraction of the way: straight line for the position, shortest turn."""
    ends = to_quaternions(np.stack([T_world_0[:3, :3], T_world_1[:3, :3]]))
    if ends[0] @ ends[1] < 0:  # the same turn by its other sign: the shorter way
        ends[1] *= -1
    shares = np.array([1 - fraction, fraction])
    angle = 2 * np.arcsin(min(float(np.linalg.norm(ends[1] - ends[0])) / 2, 1.0))
    if angle > _SMALL_ANGLE:
        shares = np.sin(shares * angle)
    T_world = np.eye(4)
    T_world[:3, :3] = to_rotations(shares @ ends)
    T_world[:3, 3] = (1 - fraction) * T_world_0[:3, 3] + fraction * T_world_1[:3, 3]
    return T_world
