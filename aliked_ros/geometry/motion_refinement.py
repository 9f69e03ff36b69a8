"""Two views with uncertain depths -> the most likely motion between them, with covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.matrices import covariance_of, inverse_symmetric
from aliked_ros.geometry.sightings import Sightings
from aliked_ros.geometry.vectors import seen_from
from aliked_ros.structs import Array

_NUM_ITERATIONS = 10
_CONVERGED = 1e-7  # length of a step: unit of the depths for the translation, rad
_UNKNOWN = 1e6  # standard deviation of an inverse depth that was not measured
_MIN_DEPTH_RATIO = 1e-3  # depth in view 1 over depth in view 0; less is behind the camera


class Prior(Protocol):
    """What else is known about a motion."""

    def add_to(self, hessian: Array, gradient: Array, T_1_0: Array) -> None:
        """Add it to the normal equations (6, 6), (6,) of xi in exp(xi) @ T_1_0, in place."""


@dataclass(frozen=True, eq=False)
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
    T_1_0: Array,
    view0: Sightings,
    view1: Sightings,
    noise: float,
    robust_width: float = 3.0,
    prior: Prior | None = None,
) -> RefinedMotion:
    """Minimise the distance between two views' measurements of the same points.

    A point of view 0 (x0, y0, inverse depth) is moved to view 1 and compared with (x1, y1,
    inverse depth if measured). Every residual is weighted by the inverse of its covariance,
    which holds the noise of *both* views: a far point with a poor depth still fixes the rotation
    and a near one the translation, without any threshold on depth. To first order this is the
    bundle adjustment of the two views with the points eliminated. Gauss-Newton with Cauchy's
    loss.

    Args:
        T_1_0: (4, 4) first guess; the weights are taken there.
        view0: N measurements; every inverse depth must be known (large sigma where poor).
        view1: N measurements of the same points; inverse depth NaN where not measured.
        noise: standard deviation of a coordinate, rad (px / focal length).
        robust_width: residual length, in standard deviations, where the loss turns.
        prior: what else is known about the motion, or None.
    """
    information = _information(T_1_0, view0, view1, noise)
    for _ in range(_NUM_ITERATIONS):
        predicted, Y = _predict(T_1_0, view0)
        residuals = _residuals(predicted, view1)
        jacobians = _by_twist(predicted, Y, view0)
        squared = np.einsum("ni,nij,nj->n", residuals, information, residuals)
        weights = 1 / (1 + squared / robust_width**2)
        weighted = np.swapaxes(jacobians, 1, 2) @ information * weights[:, None, None]
        weighted = weighted.transpose(1, 0, 2).reshape(6, -1)  # (6, 3 N)
        hessian = weighted @ jacobians.reshape(-1, 6)
        gradient = weighted @ residuals.ravel()
        if prior is not None:
            prior.add_to(hessian, gradient, T_1_0)
        step = np.linalg.lstsq(hessian, gradient, rcond=1e-12)[0]
        T_1_0 = se3.exp(step) @ T_1_0
        if np.linalg.norm(step) < _CONVERGED:
            break
    residuals = _residuals(_predict(T_1_0, view0)[0], view1)
    squared = np.einsum("ni,nij,nj->n", residuals, information, residuals)
    return RefinedMotion(T_1_0, covariance_of(hessian), np.sqrt(np.maximum(squared, 0)))


def _predict(T_1_0: Array, view0: Sightings) -> tuple[Array, Array]:
    """Return what view 1 should measure (N, 3) and the points (N, 3) over their depth in view 0."""
    Y = seen_from(T_1_0, view0.xy, view0.inverse_depth)
    Y[:, 2] = np.maximum(Y[:, 2], _MIN_DEPTH_RATIO)
    return np.column_stack([Y[:, :2], view0.inverse_depth]) / Y[:, 2:], Y


def _residuals(predicted: Array, view1: Sightings) -> Array:
    """Return measured minus predicted (N, 3): x, y, inverse depth; 0 where not measured."""
    residuals = np.column_stack([view1.xy, view1.inverse_depth]) - predicted
    return np.nan_to_num(residuals, nan=0.0)


def _by_point(predicted: Array, Y: Array) -> Array:
    """Return the derivative (N, 3, 3) of the prediction by Y, at a fixed inverse depth."""
    derivative = np.zeros((len(Y), 3, 3))
    derivative[:, 0, 0] = derivative[:, 1, 1] = 1 / Y[:, 2]
    derivative[:, :, 2] = -predicted / Y[:, 2:]
    return derivative


def _by_twist(predicted: Array, Y: Array, view0: Sightings) -> Array:
    """Return the derivative (N, 3, 6) of the prediction by xi in exp(xi) @ T_1_0."""
    derivative = np.zeros((len(Y), 3, 6))  # of Y
    derivative[:, 0, 0] = derivative[:, 1, 1] = derivative[:, 2, 2] = view0.inverse_depth
    derivative[:, 0, 4], derivative[:, 0, 5] = Y[:, 2], -Y[:, 1]
    derivative[:, 1, 3], derivative[:, 1, 5] = -Y[:, 2], Y[:, 0]
    derivative[:, 2, 3], derivative[:, 2, 4] = Y[:, 1], -Y[:, 0]
    return _by_point(predicted, Y) @ derivative


def _information(T_1_0: Array, view0: Sightings, view1: Sightings, noise: float) -> Array:
    """Return the inverse covariance (N, 3, 3) of the residuals: the noise of both views."""
    predicted, Y = _predict(T_1_0, view0)
    R, t = T_1_0[:3, :3], T_1_0[:3, 3]
    # By the measurement (x0, y0, inverse depth) of view 0, of which Y is a function.
    by_measurement = _by_point(predicted, Y) @ np.column_stack([R[:, 0], R[:, 1], t])
    by_measurement[:, 2, 2] += 1 / Y[:, 2]
    pixel_variance0, pixel_variance1 = (
        np.full(len(Y), noise**2) if view.spread is None else (noise * view.spread) ** 2
        for view in (view0, view1)
    )
    variance0 = np.column_stack([pixel_variance0, pixel_variance0, view0.depth_sigma**2])
    is_measured = np.isfinite(view1.inverse_depth)
    depth_variance = np.where(is_measured, view1.depth_sigma, _UNKNOWN) ** 2
    variance1 = np.column_stack([pixel_variance1, pixel_variance1, depth_variance])
    covariance = (by_measurement * variance0[:, None, :]) @ np.swapaxes(by_measurement, 1, 2)
    covariance[:, [0, 1, 2], [0, 1, 2]] += variance1
    return inverse_symmetric(covariance)
