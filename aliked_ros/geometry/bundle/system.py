"""A window of bundle adjustment: measurements, residuals, normal equations, solution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.sightings import MIN_DEPTH
from aliked_ros.structs import Array, Index, Mask

MAX_ITERATIONS = 10  # linear systems solved
TOLERANCE = 1e-4  # stops when a step lowers the cost by less than this part
LOSS_WIDTH = 3.0  # length of a residual, in standard deviations, where the loss turns

_BEHIND_CHI2 = 1e6  # what an observation costs whose landmark lies behind the camera


@dataclass(frozen=True, eq=False)
class Observations:
    """The usable observations, sorted by keyframe, and where each keyframe's begin.

    Attributes:
        keyframe, landmark: (M,) indices.
        measured: (M, 3) x, y, inverse depth.
        precision: (M, 3) one over the standard deviations; 0 where nothing was measured.
        start: (K + 1,) int64; observations start[k] to start[k + 1] belong to keyframe k.
        anchor: (L,) the first keyframe that sees each landmark; 0 where none does.
    """

    keyframe: Index
    landmark: Index
    measured: Array
    precision: Array
    start: Index
    anchor: Index

    def of(self, keyframe: int) -> slice:
        """Return where a keyframe's observations are."""
        return slice(int(self.start[keyframe]), int(self.start[keyframe + 1]))


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solver found.

    Attributes:
        T_camera_world: (K, 4, 4).
        points: (L, 3).
        chi2: (M, 2) squared residuals over their variances, of reprojection and inverse depth,
            before robust weighting; inf behind the camera.
        hessian: (6 F, 6 F) of the free poses' twists, landmarks eliminated; good measurements count
            in full.
        point_covariance: (L, 3, 3) of the landmarks with the poses held.
        num_iterations: linear systems solved.
        initial_cost, final_cost: half the sum of all robust squared residuals.
    """

    T_camera_world: Array
    points: Array
    chi2: Array
    hessian: Array
    point_covariance: Array
    num_iterations: int
    initial_cost: float
    final_cost: float


@dataclass(frozen=True, eq=False)
class Residuals:
    """How far the measurements are from what poses and landmarks predict.

    Attributes:
        seen: (M, 3) landmarks in the observing camera's frame.
        whitened: (M, 3) measured minus predicted over the standard deviation; 0 behind.
        is_in_front: (M,) bool.
        chi2: (M, 2) squared, of the reprojection and of the inverse depth; large behind.
    """

    seen: Array
    whitened: Array
    is_in_front: Mask
    chi2: Array


def residuals_of(observations: Observations, T_camera_world: Array, points: Array) -> Residuals:
    """Compare the measurements with poses (K, 4, 4) and points (L, 3)."""
    seen = np.empty((len(observations.keyframe), 3))
    for keyframe, T in enumerate(T_camera_world):
        rows = observations.of(keyframe)
        seen[rows] = se3.transform(T, points[observations.landmark[rows]])
    is_in_front = seen[:, 2] >= MIN_DEPTH
    inverse = 1 / np.where(is_in_front, seen[:, 2], 1.0)
    predicted = np.column_stack([seen[:, :2] * inverse[:, None], inverse])
    whitened = (observations.measured - predicted) * observations.precision
    whitened[~is_in_front] = 0
    reprojection_chi2 = np.where(is_in_front, (whitened[:, :2] ** 2).sum(axis=1), _BEHIND_CHI2)
    chi2 = np.column_stack([reprojection_chi2, whitened[:, 2] ** 2])
    return Residuals(seen, whitened, is_in_front, chi2)


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """The Gauss-Newton system of F free poses and L landmarks; steps x solve H x = g.

    Attributes:
        pose_hessian: (6 F, 6 F).
        pose_gradient: (6 F,).
        coupling: (L, 3, 6 F) of landmarks and poses.
        point_hessian: (L, 3, 3); landmarks do not see each other.
        point_gradient: (L, 3).
    """

    pose_hessian: Array
    pose_gradient: Array
    coupling: Array
    point_hessian: Array
    point_gradient: Array


def linearise(
    observations: Observations,
    residuals: Residuals,
    weights: Array,
    T_camera_world: Array,
    charts: Array,
    is_fixed: Mask,
) -> NormalEquations:
    """Return the normal equations of the observations alone.

    Args:
        observations: M measurements.
        residuals: at the current poses and points.
        weights: (M, 2) robust weights of reprojection and inverse depth.
        T_camera_world: (K, 4, 4); a step xi leads to exp(xi) @ T_camera_world.
        charts: (L, 3, 3) derivative of a landmark by its coordinates.
        is_fixed: (K,) bool.
    """
    num_landmarks, num_free = len(charts), int((~is_fixed).sum())
    column_of = np.cumsum(~is_fixed) - 1
    pose_hessian = np.zeros((6 * num_free, 6 * num_free))
    pose_gradient = np.zeros(6 * num_free)
    coupling = np.zeros((num_landmarks, 3, 6 * num_free))
    point_hessian, point_gradient = np.zeros((num_landmarks, 3, 3)), np.zeros((num_landmarks, 3))

    root = np.sqrt(weights)[:, [0, 0, 1]] * residuals.is_in_front[:, None]  # (M, 3)
    errors = residuals.whitened * root
    by_seen = _by_seen(residuals, observations.precision * root)  # (M, 3, 3)
    for keyframe, T in enumerate(T_camera_world):
        rows, column = observations.of(keyframe), 6 * column_of[keyframe]
        index = observations.landmark[rows]
        by_point = by_seen[rows] @ T[:3, :3] @ charts[index]  # (m, 3, 3)
        from_point = np.swapaxes(by_point, 1, 2)
        # A keyframe sees a landmark once, so no index occurs twice here.
        point_hessian[index] += from_point @ by_point
        point_gradient[index] += (from_point @ errors[rows, :, None])[:, :, 0]
        if is_fixed[keyframe]:
            continue
        by_pose = _by_pose(by_seen[rows], residuals.seen[rows])  # (m, 3, 6)
        stacked = by_pose.reshape(-1, 6)
        here = slice(column, column + 6)
        pose_hessian[here, here] = stacked.T @ stacked
        pose_gradient[here] = stacked.T @ errors[rows].ravel()
        coupling[index, :, here] = from_point @ by_pose
    return NormalEquations(pose_hessian, pose_gradient, coupling, point_hessian, point_gradient)


def _by_seen(residuals: Residuals, scale: Array) -> Array:
    """Return the derivative (M, 3, 3) of the scaled prediction by the point in the camera."""
    x, y, z = residuals.seen.T
    inverse = 1 / np.where(residuals.is_in_front, z, 1.0)
    derivative = np.zeros((len(z), 3, 3))
    derivative[:, 0, 0] = scale[:, 0] * inverse
    derivative[:, 1, 1] = scale[:, 1] * inverse
    derivative[:, 0, 2] = -scale[:, 0] * x * inverse**2
    derivative[:, 1, 2] = -scale[:, 1] * y * inverse**2
    derivative[:, 2, 2] = -scale[:, 2] * inverse**2
    return derivative


def _by_pose(by_seen: Array, seen: Array) -> Array:
    """Return the derivative (m, 3, 6) of the prediction by xi in exp(xi) @ T_camera_world."""
    derivative = np.empty((len(seen), 3, 6))
    derivative[:, :, :3] = by_seen
    x, y, z = seen.T[:, :, None]  # each (m, 1)
    # The turn w moves the point by w x p: a row d of by_seen sees d . (w x p) = w . (p x d).
    derivative[:, :, 3] = y * by_seen[:, :, 2] - z * by_seen[:, :, 1]
    derivative[:, :, 4] = z * by_seen[:, :, 0] - x * by_seen[:, :, 2]
    derivative[:, :, 5] = x * by_seen[:, :, 1] - y * by_seen[:, :, 0]
    return derivative


def cauchy(chi2: Array, width: float) -> tuple[Array, Array]:
    """Return Cauchy's loss (N,) of squared residuals (N,) and the weight (N,), its derivative."""
    ratio = chi2 / width**2
    return width**2 * np.log1p(ratio), 1 / (1 + ratio)
