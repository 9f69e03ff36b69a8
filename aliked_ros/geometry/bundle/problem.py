"""A window of keyframes, landmarks and measurements: what bundle adjustment takes and gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array, Index, Mask


@dataclass(frozen=True, eq=False)
class BundleProblem:
    """K keyframes see L landmarks in N observations; K, L, N may be 0.

    Attributes:
        T_camera_world: (K, 4, 4) first guess.
        is_fixed: (K,) bool, poses that are known and stay as they are.
        points_world: (L, 3) first guess; not finite where there is none.
        keyframe: (N,) int64, index of the keyframe that observes.
        landmark: (N,) int64, index of the landmark that is seen; a keyframe sees it at most once.
        xy: (N, 2) measured coordinates on the plane z = 1.
        sigma: (N,) standard deviation of a coordinate, rad (px / focal length).
        inverse_depth: (N,) measured 1 / z in the observing camera, NaN where none; None: nowhere.
            Depth images and disparities both enter so: their noise is Gaussian in 1 / z.
        inverse_depth_sigma: (N,) its standard deviation; None if inverse_depth is.
    """

    T_camera_world: Array
    is_fixed: Mask
    points_world: Array
    keyframe: Index
    landmark: Index
    xy: Array
    sigma: Array
    inverse_depth: Array | None = None
    inverse_depth_sigma: Array | None = None

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_numbers()
        num_keyframes, num_landmarks = len(self.T_camera_world), len(self.points_world)
        for name, indices, count in (
            ("keyframe", self.keyframe, num_keyframes),
            ("landmark", self.landmark, num_landmarks),
        ):
            if len(indices) and not 0 <= indices.min() <= indices.max() < count:
                raise ValueError(
                    f"{name} has indices {indices.min()} to {indices.max()}, but there are "
                    f"{count}: an observation must point into the problem"
                )
        pairs = np.sort(self.keyframe * max(num_landmarks, 1) + self.landmark)
        repeated = np.flatnonzero(pairs[1:] == pairs[:-1])
        if len(repeated):
            keyframe, landmark = divmod(int(pairs[repeated[0]]), num_landmarks)
            raise ValueError(
                f"keyframe {keyframe} sees landmark {landmark} twice: keep one observation"
            )
        if (self.inverse_depth is None) != (self.inverse_depth_sigma is None):
            raise ValueError("inverse_depth and inverse_depth_sigma: give both or none")
        if num_keyframes and not self.is_fixed.any():
            raise ValueError(
                "is_fixed is False everywhere: nothing holds the window in place; fix its first "
                "pose"
            )

    def _check_shapes(self) -> None:
        """Refuse rows that are missing: the compiled solver would read whatever lies there."""
        num = len(self.keyframe)
        for name, shape in (
            ("T_camera_world", (len(self.T_camera_world), 4, 4)),
            ("is_fixed", (len(self.T_camera_world),)),
            ("points_world", (len(self.points_world), 3)),
            ("landmark", (num,)),
            ("xy", (num, 2)),
            ("sigma", (num,)),
            ("inverse_depth", (num,)),
            ("inverse_depth_sigma", (num,)),
        ):
            value = getattr(self, name)
            if value is not None and np.shape(value) != shape:
                raise ValueError(f"{name} has shape {np.shape(value)}: give {shape}")

    def _check_numbers(self) -> None:
        """Refuse what a solver could only turn into NaN."""
        unknown = np.flatnonzero(~np.isfinite(self.T_camera_world).all(axis=(1, 2)))
        if len(unknown):
            raise ValueError(
                f"T_camera_world of keyframe {unknown[0]} is not finite: leave the keyframe out"
            )
        sigmas = [("sigma", self.sigma)]
        if self.inverse_depth is not None and self.inverse_depth_sigma is not None:
            measured = np.isfinite(self.inverse_depth)
            sigmas.append(("inverse_depth_sigma", np.where(measured, self.inverse_depth_sigma, 1)))
        for name, sigma in sigmas:
            bad = np.flatnonzero(~(sigma > 0))
            if len(bad):
                raise ValueError(
                    f"{name} of observation {bad[0]} is {sigma[bad[0]]}: give a deviation above 0"
                )


@dataclass(frozen=True, eq=False)
class BundleResult:
    """The most likely window.

    Attributes:
        T_camera_world: (K, 4, 4); fixed poses are the same bits.
        points_world: (L, 3); landmarks that were left out are as they came.
        is_used: (L,) bool. Left out are landmarks without a finite guess and those that fewer
            than two keyframes see in front of them: they say nothing about the poses.
        reprojection_chi2: (N,) squared residual over its variance, two degrees of freedom, before
            robust weighting; inf behind the camera; NaN for landmarks that were left out.
        inverse_depth_chi2: (N,) the same for measured inverse depths, one degree of freedom; NaN
            where none was measured.
        covariance: (6 K, 6 K) of all twists xi in exp(xi) @ T_camera_world, landmarks
            marginalised; 0 for fixed poses.
        point_covariance: (L, 3, 3) of the landmarks with the poses held; 0 for those left out.
        num_iterations: linear systems solved.
        initial_cost, final_cost: half the sum of all robust squared residuals.
    """

    T_camera_world: Array
    points_world: Array
    is_used: Mask
    reprojection_chi2: Array
    inverse_depth_chi2: Array
    covariance: Array
    point_covariance: Array
    num_iterations: int
    initial_cost: float
    final_cost: float

    def relative_motion(self, keyframe0: int, keyframe1: int) -> tuple[Array, Array]:
        """Return T_1_0 (4, 4) between two keyframes, with its covariance.

        The covariance (6, 6) is that of xi in exp(xi) @ T_1_0. It knows how the errors of the two
        poses hang together, so it does not grow with the distance to the fixed pose.
        """
        T_1_0 = self.T_camera_world[keyframe1] @ se3.inverse(self.T_camera_world[keyframe0])
        rows = np.concatenate([np.arange(6) + 6 * keyframe0, np.arange(6) + 6 * keyframe1])
        by_both = np.hstack([-se3.adjoint(T_1_0), np.eye(6)])  # (6, 12)
        return T_1_0, se3.propagate(by_both, self.covariance[np.ix_(rows, rows)])
