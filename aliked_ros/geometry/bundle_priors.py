"""What is known of poses beside the measurements of a window -> terms of its normal equations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.arrays import Array, Mask
from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle_problem import BundleProblem, PosePrior, ScalePrior
from aliked_ros.geometry.bundle_system import NormalEquations


@dataclass(frozen=True)
class PriorTerm:
    """A prior at the current poses: squared residual over its variance, and its derivatives.

    Attributes:
        chi2: squared residual over its variance.
        jacobian: (r, 6 n) of the whitened residual by the twists of n keyframes.
        error: (r,) minus the whitened residual.
        keyframes: (n,) which they are.
    """

    chi2: float
    jacobian: Array
    error: Array
    keyframes: tuple[int, ...]


def prior_terms(problem: BundleProblem, T_camera_world: Array) -> list[PriorTerm]:
    """Return the priors of a problem at poses (K, 4, 4)."""
    terms = [_pose_prior(prior, T_camera_world) for prior in problem.pose_priors]
    return terms + [_scale_prior(prior, T_camera_world) for prior in problem.scale_priors]


def _pose_prior(prior: PosePrior, T_camera_world: Array) -> PriorTerm:
    xi = se3.log(T_camera_world[prior.keyframe] @ se3.inverse(prior.T_camera_world))
    values, vectors = np.linalg.eigh(prior.information)
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T  # information = root^T root
    error = -root @ xi
    return PriorTerm(float(error @ error), root @ _inverse_left_jacobian(xi), error,
                     (prior.keyframe,))  # fmt: skip


def _inverse_left_jacobian(xi: Array) -> Array:
    """Return J (6, 6) with log(exp(d) @ exp(xi)) = xi + J d, to third order in xi.

    Barfoot, State Estimation for Robotics, eq. 7.83: the Bernoulli series of ad(xi).
    """
    ad = np.zeros((6, 6))
    ad[:3, :3] = ad[3:, 3:] = se3.skew(xi[3:])
    ad[:3, 3:] = se3.skew(xi[:3])
    return np.eye(6) - ad / 2 + ad @ ad / 12


def _scale_prior(prior: ScalePrior, T_camera_world: Array) -> PriorTerm:
    both = T_camera_world[[prior.keyframe0, prior.keyframe1]]
    centres = np.array([se3.inverse(T)[:3, 3] for T in both])
    length = float(np.linalg.norm(centres[1] - centres[0]))
    direction = (centres[1] - centres[0]) / max(length, 1e-300)
    jacobian = np.zeros((1, 12))
    # A step moves the centre by -R^T times its translation part.
    jacobian[0, :3], jacobian[0, 6:9] = both[0, :3, :3] @ direction, -both[1, :3, :3] @ direction
    error = np.array([prior.distance - length]) / prior.sigma
    keyframes = (prior.keyframe0, prior.keyframe1)
    return PriorTerm(float(error @ error), jacobian / prior.sigma, error, keyframes)


def add_priors(system: NormalEquations, terms: list[PriorTerm], is_fixed: Mask) -> None:
    """Add priors to the normal equations, in place."""
    column_of = np.cumsum(~is_fixed) - 1
    for term in terms:
        free = [n for n, keyframe in enumerate(term.keyframes) if not is_fixed[keyframe]]
        if not free:
            continue
        jacobian = np.hstack([term.jacobian[:, 6 * n : 6 * n + 6] for n in free])
        columns = np.concatenate(
            [np.arange(6) + 6 * column_of[term.keyframes[n]] for n in free]
        ).astype(np.int64)
        system.pose_hessian[np.ix_(columns, columns)] += jacobian.T @ jacobian
        system.pose_gradient[columns] += jacobian.T @ term.error
