"""Two views with uncertain depths -> the most likely motion between them, with covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliked_ros.geometry import se3
from aliked_ros.geometry.triangulation import homogeneous

Array = NDArray[np.float64]

_NUM_ITERATIONS = 10
_CONVERGED = 1e-9  # length of a twist step, unit translation or rad
_UNKNOWN = 1e12  # variance of a coordinate that was not measured


@dataclass(frozen=True)
class Sightings:
    """Points as one view measures them: direction and inverse depth.

    Attributes:
        normalised: (N, 2) coordinates on the plane z = 1.
        inverse_depth: (N,) 1 / depth along the optical axis; NaN where it was not measured.
        sigma: (N,) standard deviation of the inverse depth.
    """

    normalised: Array
    inverse_depth: Array
    sigma: Array


@dataclass(frozen=True)
class RefinedMotion:
    """The outcome of `refine_motion`.

    Attributes:
        T_1_0: (4, 4), unit of the depths.
        covariance: (6, 6) of the twist xi in exp(xi) @ T_1_0: translation, then rotation (rad).
        errors: (N,) length of each residual in standard deviations.
    """

    T_1_0: Array
    covariance: Array
    errors: Array


def refine_motion(
    T_1_0: Array, view0: Sightings, view1: Sightings, noise: float, robust_width: float = 3.0
) -> RefinedMotion:
    """Minimise the distance between two views' measurements of the same points.

    A point of view 0 (x0, y0, inverse depth) is moved to view 1 and compared with (x1, y1,
    inverse depth if measured). Every residual is weighted by the inverse of its covariance,
    which holds the noise of *both* views: a far point with a poor depth still fixes the rotation
    and a near one the translation, without any threshold on depth. To first order this is the
    bundle adjustment of the two views with the points eliminated. Gauss-Newton with Cauchy's
    loss; the covariances are taken anew in each iteration.

    Args:
        T_1_0: (4, 4) first guess.
        view0: N measurements; every inverse depth must be known (large sigma where poor).
        view1: N measurements of the same points; inverse depth NaN where not measured.
        noise: standard deviation of a normalised coordinate, rad (px / focal length).
        robust_width: residual length, in standard deviations, where the loss turns.
    """
    for _ in range(_NUM_ITERATIONS):
        residuals, jacobians, information = _linearise(T_1_0, view0, view1, noise)
        squared = np.einsum("ni,nij,nj->n", residuals, information, residuals)
        weights = 1 / (1 + squared / robust_width**2)
        weighted = np.einsum("nia,nij->naj", jacobians, information) * weights[:, None, None]
        hessian = np.einsum("naj,njb->ab", weighted, jacobians)
        gradient = np.einsum("naj,nj->a", weighted, residuals)
        step = np.linalg.lstsq(hessian, gradient, rcond=1e-12)[0]
        T_1_0 = se3.exp(step) @ T_1_0
        if np.linalg.norm(step) < _CONVERGED:
            break
    residuals, _, information = _linearise(T_1_0, view0, view1, noise)
    squared = np.einsum("ni,nij,nj->n", residuals, information, residuals)
    covariance = np.linalg.pinv(hessian, rcond=1e-14, hermitian=True)
    return RefinedMotion(T_1_0, covariance, np.sqrt(np.maximum(squared, 0)))


def _linearise(
    T_1_0: Array, view0: Sightings, view1: Sightings, noise: float
) -> tuple[Array, Array, Array]:
    """Return residuals (N, 3), Jacobians by the twist (N, 3, 6) and information (N, 3, 3)."""
    R, t = T_1_0[:3, :3], T_1_0[:3, 3]
    rho = view0.inverse_depth
    Y = homogeneous(view0.normalised) @ R.T + rho[:, None] * t  # (N, 3) point / depth in view 0
    Y = np.column_stack([Y[:, :2], np.where(Y[:, 2] > 1e-3, Y[:, 2], 1e-3)])
    predicted = np.column_stack([Y[:, :2], rho]) / Y[:, 2:]  # x, y, inverse depth in view 1
    measured = np.column_stack([view1.normalised, view1.inverse_depth])
    has_depth1 = np.isfinite(view1.inverse_depth)
    residuals = measured - predicted
    residuals[~has_depth1, 2] = 0

    # d predicted / d Y, with the direct dependence of the third row on rho added further down.
    d_predicted = np.zeros((len(rho), 3, 3))
    d_predicted[:, 0, 0] = d_predicted[:, 1, 1] = 1 / Y[:, 2]
    d_predicted[:, :, 2] = -predicted / Y[:, 2:]
    Y_by_point = np.broadcast_to(np.column_stack([R[:, 0], R[:, 1], t]), d_predicted.shape)
    by_measurement0 = d_predicted @ Y_by_point  # (N, 3, 3) by x0, y0, rho
    by_measurement0[:, 2, 2] += 1 / Y[:, 2]
    Y_by_twist = np.zeros((len(rho), 3, 6))
    Y_by_twist[:, 0, 0] = Y_by_twist[:, 1, 1] = Y_by_twist[:, 2, 2] = rho
    Y_by_twist[:, 0, 4], Y_by_twist[:, 0, 5] = Y[:, 2], -Y[:, 1]
    Y_by_twist[:, 1, 3], Y_by_twist[:, 1, 5] = -Y[:, 2], Y[:, 0]
    Y_by_twist[:, 2, 3], Y_by_twist[:, 2, 4] = Y[:, 1], -Y[:, 0]
    jacobians = d_predicted @ Y_by_twist

    pixel_variance = np.full(len(rho), noise**2)
    variance0 = np.column_stack([pixel_variance, pixel_variance, view0.sigma**2])
    covariance = (by_measurement0 * variance0[:, None, :]) @ np.swapaxes(by_measurement0, 1, 2)
    covariance[:, 0, 0] += pixel_variance
    covariance[:, 1, 1] += pixel_variance
    covariance[:, 2, 2] += np.where(has_depth1, view1.sigma**2, _UNKNOWN)
    return residuals, jacobians, np.linalg.inv(covariance)
