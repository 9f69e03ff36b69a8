"""Refine a window of keyframes and landmarks: Levenberg-Marquardt with landmarks eliminated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult
from aliked_ros.geometry.bundle.system import (
    NormalEquations,
    Observations,
    Residuals,
    cauchy,
    linearise,
    residuals_of,
)
from aliked_ros.geometry.matrices import covariance_of, inverse_symmetric
from aliked_ros.structs import Array, Index, Mask

_MAX_ITERATIONS = 10  # linear systems solved
_TOLERANCE = 1e-4  # stops when a step lowers the cost by less than this part
_LOSS_WIDTH = 3.0  # length of a residual, in standard deviations, where the loss turns
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


def adjust_bundle(
    problem: BundleProblem,
) -> BundleResult:
    """Find the poses and landmarks that explain the measurements of a window best.

    The landmarks are eliminated from each linear system by the Schur complement, so its size is
    that of the free poses (Triggs et al., Bundle Adjustment: A Modern Synthesis, section 6.1). A
    landmark moves in the coordinates (x / z, y / z, 1 / z) of the first camera that sees it, held
    still during the step: what cameras measure is nearly linear in them even far away (Civera et
    al., Inverse Depth Parametrization, 2008). Cauchy's loss reweights in every iteration.

    Args:
        problem: the window.

    Returns:
        Never NaN poses or points: a step that does not lower the cost is not taken.
    """
    solver = _Solver(problem)
    first = best = solver.evaluate(problem.T_camera_world, problem.points_world)
    damping, num_iterations = _FIRST_DAMPING, 0
    system = solver.normal_equations(best, best.weights)
    while num_iterations < _MAX_ITERATIONS and damping < _MAX_DAMPING:
        num_iterations += 1
        candidate = solver.step(best, system, damping)
        if not candidate.cost < best.cost:
            damping *= 10
            continue
        gain = best.cost - candidate.cost
        best, damping = candidate, max(damping / 10, 1e-9)
        if gain < _TOLERANCE * best.cost:
            break
        system = solver.normal_equations(best, best.weights)
    return solver.report(first, best, num_iterations)


class _Solver:
    """The parts of an iteration, for one problem."""

    def __init__(self, problem: BundleProblem) -> None:
        self._problem = problem
        self._observations, self._index, self._is_used = _select(problem)

    def evaluate(self, T_camera_world: Array, points: Array) -> _Estimate:
        """Return the robust cost of poses (K, 4, 4) and points (L, 3)."""
        # Where a landmark is left out, its coordinates must not spoil the sums of the others.
        points = np.where(self._is_used[:, None], points, 0.0)
        residuals = residuals_of(self._observations, T_camera_world, points)
        losses, weights = cauchy(residuals.chi2, _LOSS_WIDTH)
        return _Estimate(T_camera_world, points, residuals, weights, float(losses.sum()) / 2)

    def normal_equations(self, estimate: _Estimate, weights: Array) -> NormalEquations:
        """Linearise at an estimate, with weights (M, 2)."""
        is_fixed, T_camera_world = self._problem.is_fixed, estimate.T_camera_world
        _, charts = _chart(self._observations, estimate)
        return linearise(
            self._observations, estimate.residuals, weights, T_camera_world, charts, is_fixed
        )

    def step(self, estimate: _Estimate, system: NormalEquations, damping: float) -> _Estimate:
        """Return the estimate after one damped step."""
        pose_step, point_step = _solve(system, damping)
        T_camera_world = estimate.T_camera_world.copy()
        free = np.flatnonzero(~self._problem.is_fixed)
        for keyframe, xi in zip(free, pose_step.reshape(-1, 6), strict=True):
            T_camera_world[keyframe] = se3.exp(xi) @ T_camera_world[keyframe]
        points = _move(self._observations, estimate, point_step)
        return self.evaluate(T_camera_world, points)

    def report(self, first: _Estimate, best: _Estimate, num_iterations: int) -> BundleResult:
        """Return the outcome, in the order of the problem's observations."""
        reprojection_chi2 = np.full(len(self._problem.keyframe), np.nan)
        inverse_depth_chi2 = reprojection_chi2.copy()
        residuals = best.residuals
        chi2 = np.where(residuals.is_in_front[:, None], residuals.chi2, np.inf)
        reprojection_chi2[self._index] = chi2[:, 0]
        is_measured = self._observations.precision[:, 2] > 0
        inverse_depth_chi2[self._index] = np.where(is_measured, chi2[:, 1], np.nan)
        return BundleResult(
            best.T_camera_world.copy(),
            np.where(self._is_used[:, None], best.points, self._problem.points_world),
            self._is_used,
            reprojection_chi2,
            inverse_depth_chi2,
            self._covariance(best),
            num_iterations,
            first.cost,
            best.cost,
        )

    def _covariance(self, estimate: _Estimate) -> Array:
        """Return the covariance (6 K, 6 K) of the poses."""
        # A good measurement counts in full, whatever the loss made of it: the spread of a robust
        # estimate is nearly that of least squares over the good ones.
        weights = np.where(estimate.residuals.chi2 <= _LOSS_WIDTH**2, 1.0, estimate.weights)
        reduced, _, _ = _eliminate(self.normal_equations(estimate, weights), 0.0)
        rows = np.flatnonzero(np.repeat(~self._problem.is_fixed, 6))
        covariance = np.zeros((6 * len(estimate.T_camera_world),) * 2)
        covariance[np.ix_(rows, rows)] = covariance_of(reduced)
        return covariance


def sort_observations(problem: BundleProblem, kept: Mask) -> tuple[Observations, Index]:
    """Return the observations (N,) that are kept, and which they are (M,)."""
    index = np.flatnonzero(kept)
    index = index[np.argsort(problem.keyframe[index], kind="stable")]
    keyframe, landmark = problem.keyframe[index], problem.landmark[index]
    num = len(index)
    inverse_depth, depth_precision = np.zeros(num), np.zeros(num)
    if problem.inverse_depth is not None and problem.inverse_depth_sigma is not None:
        measured = problem.inverse_depth[index]
        is_measured = np.isfinite(measured)
        inverse_depth[is_measured] = measured[is_measured]
        depth_precision[is_measured] = 1 / problem.inverse_depth_sigma[index[is_measured]]
    precision = 1 / problem.sigma[index]
    start = np.searchsorted(keyframe, np.arange(len(problem.T_camera_world) + 1))
    anchor = np.zeros(len(problem.points_world), dtype=np.int64)
    anchor[landmark[::-1]] = keyframe[::-1]  # the first one is written last
    observations = Observations(
        keyframe,
        landmark,
        np.column_stack([problem.xy[index], inverse_depth]),
        np.column_stack([precision, precision, depth_precision]),
        start.astype(np.int64),
        anchor,
    )
    return observations, index


def _select(problem: BundleProblem) -> tuple[Observations, Index, Mask]:
    """Return the usable observations, which they are, and which landmarks (L,) they see."""
    known = np.isfinite(problem.points_world).all(axis=1)
    usable = known[problem.landmark] & np.isfinite(problem.xy).all(axis=1)
    observations, index = sort_observations(problem, usable)
    points = np.where(known[:, None], problem.points_world, 0.0)
    seen = residuals_of(observations, problem.T_camera_world, points)
    times = np.bincount(observations.landmark[seen.is_in_front], minlength=len(points))
    is_used = known & (times >= 2)
    # The first observer is where the landmark's coordinates live: it must lie in front of it.
    usable[index] = is_used[observations.landmark] & seen.is_in_front
    observations, index = sort_observations(problem, usable)
    return observations, index, is_used


def _chart(observations: Observations, estimate: _Estimate) -> tuple[Array, Array]:
    """Return landmarks (L, 3) in their anchors, and d landmark / d (u, v, s) (L, 3, 3).

    (u, v) = (x / z, y / z) in the anchor, and s is the inverse depth over what it is now: free of
    units, so that the three are alike in size.
    """
    T = estimate.T_camera_world[observations.anchor]  # (L, 4, 4)
    R_world_anchor = np.swapaxes(T[:, :3, :3], 1, 2)
    seen = np.einsum("lij,lj->li", T[:, :3, :3], estimate.points) + T[:, :3, 3]
    z = seen[:, 2]
    by_chart = np.zeros((len(seen), 3, 3))
    by_chart[:, 0, 0] = by_chart[:, 1, 1] = z
    by_chart[:, :, 2] = -seen
    return seen, R_world_anchor @ by_chart


def _move(observations: Observations, estimate: _Estimate, step: Array) -> Array:
    """Return the points (L, 3) after a step (L, 3) in the coordinates of `_chart`."""
    seen, _ = _chart(observations, estimate)
    T = estimate.T_camera_world[observations.anchor]
    shrinkage = np.clip(1 + step[:, 2], 1 / _MAX_FACTOR, _MAX_FACTOR)
    z = seen[:, 2]
    moved = np.column_stack([seen[:, :2] + step[:, :2] * z[:, None], z]) / shrinkage[:, None]
    return np.einsum("lji,lj->li", T[:, :3, :3], moved - T[:, :3, 3])


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
