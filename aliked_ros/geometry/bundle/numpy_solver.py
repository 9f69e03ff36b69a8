"""Levenberg-Marquardt with landmarks eliminated: the reference of the compiled solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.system import (
    LOSS_WIDTH,
    MAX_ITERATIONS,
    TOLERANCE,
    NormalEquations,
    Observations,
    Residuals,
    Solution,
    cauchy,
    linearise,
    residuals_of,
)
from aliked_ros.geometry.matrices import inverse_symmetric
from aliked_ros.structs import Array, Mask

_FIRST_DAMPING = 1e-4  # part of the diagonal that is added to it
_MAX_DAMPING = 1e6
_MIN_DIAGONAL = 1e-12  # of a landmark's hessian, as part of its largest entry
_MAX_FACTOR = 10.0  # by which an inverse depth changes in one step; so it never changes its sign


@dataclass(frozen=True, eq=False)
class _Estimate:
    """Poses (K, 4, 4) and points (L, 3) with their residuals and robust cost."""

    T_camera_world: Array
    points: Array
    residuals: Residuals
    weights: Array  # (M, 2)
    cost: float


def solve_in_numpy(
    observations: Observations, T_camera_world: Array, is_fixed: Mask, points: Array
) -> Solution:
    """Find the most likely poses and landmarks.

    Args:
        observations: M measurements.
        T_camera_world: (K, 4, 4) first guess.
        is_fixed: (K,) bool, poses that stay.
        points: (L, 3) first guess.
    """
    solver = _Solver(observations, is_fixed)
    first = best = solver.evaluate(T_camera_world, points)
    damping, num_iterations = _FIRST_DAMPING, 0
    system = solver.normal_equations(best, best.weights)
    while num_iterations < MAX_ITERATIONS and damping < _MAX_DAMPING:
        num_iterations += 1
        candidate = solver.step(best, system, damping)
        if not candidate.cost < best.cost:
            damping *= 10
            continue
        gain = best.cost - candidate.cost
        best, damping = candidate, max(damping / 10, 1e-9)
        if gain < TOLERANCE * best.cost:
            break
        system = solver.normal_equations(best, best.weights)
    # A good measurement counts in full, whatever the loss made of it: the spread of a robust
    # estimate is nearly that of least squares over the good ones.
    weights = np.where(best.residuals.chi2 <= LOSS_WIDTH**2, 1.0, best.weights)
    system = solver.normal_equations(best, weights)
    return Solution(
        best.T_camera_world,
        best.points,
        np.where(best.residuals.is_in_front[:, None], best.residuals.chi2, np.inf),
        _eliminate(system, 0.0)[0],
        solver.point_covariance(best, system),
        num_iterations,
        first.cost,
        best.cost,
    )


class _Solver:
    """The parts of an iteration, for one problem."""

    def __init__(self, observations: Observations, is_fixed: Mask) -> None:
        self._observations = observations
        self._is_fixed = is_fixed

    def evaluate(self, T_camera_world: Array, points: Array) -> _Estimate:
        """Return the robust cost of poses (K, 4, 4) and points (L, 3)."""
        residuals = residuals_of(self._observations, T_camera_world, points)
        losses, weights = cauchy(residuals.chi2, LOSS_WIDTH)
        return _Estimate(T_camera_world, points, residuals, weights, float(losses.sum()) / 2)

    def normal_equations(self, estimate: _Estimate, weights: Array) -> NormalEquations:
        """Linearise at an estimate, with weights (M, 2)."""
        _, charts = _chart(self._observations, estimate)
        return linearise(
            self._observations, estimate.residuals, weights, estimate.T_camera_world, charts,
            self._is_fixed,
        )  # fmt: skip

    def step(self, estimate: _Estimate, system: NormalEquations, damping: float) -> _Estimate:
        """Return the estimate after one damped step."""
        pose_step, point_step = _solve(system, damping)
        T_camera_world = estimate.T_camera_world.copy()
        free = np.flatnonzero(~self._is_fixed)
        for keyframe, xi in zip(free, pose_step.reshape(-1, 6), strict=True):
            T_camera_world[keyframe] = se3.exp(xi) @ T_camera_world[keyframe]
        points = _move(self._observations, estimate, point_step)
        return self.evaluate(T_camera_world, points)

    def point_covariance(self, estimate: _Estimate, system: NormalEquations) -> Array:
        """Return the covariances (L, 3, 3) of the landmarks in the world, with the poses held."""
        diagonal = np.diagonal(system.point_hessian, axis1=1, axis2=2)
        hessian = system.point_hessian.copy()
        hessian[:, [0, 1, 2], [0, 1, 2]] += 1e-9 * diagonal.max(axis=1, keepdims=True)
        covariance = np.zeros_like(hessian)
        is_seen = diagonal.max(axis=1) > 0
        covariance[is_seen] = inverse_symmetric(hessian[is_seen])
        _, charts = _chart(self._observations, estimate)
        return charts @ covariance @ charts.transpose(0, 2, 1)


def _chart(observations: Observations, estimate: _Estimate) -> tuple[Array, Array]:
    """Return landmarks (L, 3) in their anchors, and d landmark / d (u, v, s) (L, 3, 3).

    (u, v) = (x / z, y / z) in the anchor, and s is the inverse depth over what it is now: free of
    units, so that the three are alike in size.
    """
    T_anchor_world = estimate.T_camera_world[observations.anchor]  # (L, 4, 4)
    R_world_anchor = np.swapaxes(T_anchor_world[:, :3, :3], 1, 2)
    seen = (
        np.einsum("lij,lj->li", T_anchor_world[:, :3, :3], estimate.points)
        + T_anchor_world[:, :3, 3]
    )
    z = seen[:, 2]
    by_chart = np.zeros((len(seen), 3, 3))
    by_chart[:, 0, 0] = by_chart[:, 1, 1] = z
    by_chart[:, :, 2] = -seen
    return seen, R_world_anchor @ by_chart


def _move(observations: Observations, estimate: _Estimate, step: Array) -> Array:
    """Return the points (L, 3) after a step (L, 3) in the coordinates of `_chart`."""
    seen, _ = _chart(observations, estimate)
    T_anchor_world = estimate.T_camera_world[observations.anchor]
    shrinkage = np.clip(1 + step[:, 2], 1 / _MAX_FACTOR, _MAX_FACTOR)
    z = seen[:, 2]
    moved = np.column_stack([seen[:, :2] + step[:, :2] * z[:, None], z]) / shrinkage[:, None]
    return np.einsum("lji,lj->li", T_anchor_world[:, :3, :3], moved - T_anchor_world[:, :3, 3])


def _eliminate(system: NormalEquations, damping: float) -> tuple[Array, Array, Array]:
    """Return the pose system without landmarks: hessian (6 F, 6 F), gradient (6 F,).

    The third is the inverse (L, 3, 3) of the landmarks' own hessians; 0 for unseen ones.
    """
    diagonal = np.diagonal(system.point_hessian, axis1=1, axis2=2)  # (L, 3)
    floor = _MIN_DIAGONAL * diagonal.max(axis=1, keepdims=True)
    hessian = system.point_hessian.copy()
    hessian[:, [0, 1, 2], [0, 1, 2]] += damping * diagonal + floor
    inverse = np.zeros_like(hessian)
    is_seen = diagonal.max(axis=1) > 0
    inverse[is_seen] = inverse_symmetric(hessian[is_seen])
    width = len(system.pose_gradient)
    coupling = system.coupling.reshape(diagonal.size, width)  # (3 L, 6 F)
    solved = (inverse @ system.coupling).reshape(diagonal.size, width)
    reduced = system.pose_hessian - coupling.T @ solved
    reduced[np.diag_indices(width)] += damping * np.diagonal(system.pose_hessian)
    return reduced, system.pose_gradient - solved.T @ system.point_gradient.ravel(), inverse


def _solve(system: NormalEquations, damping: float) -> tuple[Array, Array]:
    """Return the damped step of the poses (6 F,) and of the landmarks (L, 3)."""
    reduced, gradient, inverse = _eliminate(system, damping)
    pose_step = np.linalg.lstsq(reduced, gradient, rcond=1e-14)[0]
    left = system.point_gradient - system.coupling @ pose_step
    return pose_step, np.einsum("lij,lj->li", inverse, left)
