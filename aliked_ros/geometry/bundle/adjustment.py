"""Refine a window of keyframes and landmarks: what counts, who solves it, what is reported."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry.bundle.compiled_solver import solve_compiled
from aliked_ros.geometry.bundle.numpy_solver import solve_in_numpy
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult
from aliked_ros.geometry.bundle.system import Observations, Solution, residuals_of
from aliked_ros.geometry.matrices import covariance_of
from aliked_ros.native import load_library
from aliked_ros.structs import Array, Index, Mask


def adjust_bundle(problem: BundleProblem, *, with_compiled: bool = True) -> BundleResult:
    """Find the poses and landmarks that explain the measurements of a window best.

    The landmarks are eliminated from each linear system by the Schur complement, so its size is
    that of the free poses (Triggs et al., Bundle Adjustment: A Modern Synthesis, section 6.1). A
    landmark moves in the coordinates (x / z, y / z, 1 / z) of the first camera that sees it, held
    still during the step: what cameras measure is nearly linear in them even far away (Civera et
    al., Inverse Depth Parametrization, 2008). Cauchy's loss reweights in every iteration.

    Args:
        problem: the window.
        with_compiled: use the compiled solver where there is one.

    Returns:
        Never NaN poses or points: a step that does not lower the cost is not taken.
    """
    observations, index, is_used = _select(problem)
    # Where a landmark is left out, its coordinates must not spoil the sums of the others.
    points = np.where(is_used[:, None], problem.points_world, 0.0)
    guess = observations, problem.T_camera_world, problem.is_fixed, points
    library = load_library() if with_compiled else None
    solution = solve_in_numpy(*guess) if library is None else solve_compiled(library, *guess)
    return _report(problem, solution, observations, index, is_used)


def _report(
    problem: BundleProblem,
    solution: Solution,
    observations: Observations,
    index: Index,
    is_used: Mask,
) -> BundleResult:
    """Return the outcome, in the order of the problem's observations."""
    chi2 = np.full((len(problem.keyframe), 2), np.nan)
    chi2[index] = solution.chi2
    chi2[index[observations.precision[:, 2] == 0], 1] = np.nan
    T_camera_world = solution.T_camera_world.copy()
    T_camera_world[problem.is_fixed] = problem.T_camera_world[problem.is_fixed]
    return BundleResult(
        T_camera_world,
        np.where(is_used[:, None], solution.points, problem.points_world),
        is_used,
        chi2[:, 0],
        chi2[:, 1],
        _pose_covariance(problem, solution.hessian),
        solution.point_covariance,
        solution.num_iterations,
        solution.initial_cost,
        solution.final_cost,
    )


def _pose_covariance(problem: BundleProblem, hessian: Array) -> Array:
    """Return the covariance (6 K, 6 K) of all poses; hessian (6 F, 6 F) is of the free ones."""
    rows = np.flatnonzero(np.repeat(~problem.is_fixed, 6))
    covariance = np.zeros((6 * len(problem.T_camera_world),) * 2)
    covariance[np.ix_(rows, rows)] = covariance_of(hessian)
    return covariance


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
