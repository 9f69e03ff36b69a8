"""Landmarks with their uncertainty and what an image measures of them -> the pose of the camera."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.matrices import inverse_symmetric
from aliked_ros.geometry.rotation_prior import RotationPrior
from aliked_ros.geometry.sightings import LARGEST, MIN_DEPTH, SMALLEST, Sightings
from aliked_ros.native import as_float64, call, load_library
from aliked_ros.structs import Array, Mask

_NUM_ROUNDS, _NUM_ITERATIONS = 4, 6
_LOSS_WIDTH = 3.0  # length of a residual, in standard deviations, where the loss turns
# Squared distance of an inlier: half above what one true measurement in twenty exceeds (chi-square
# with two and three degrees of freedom), since noise is never quite what it is said to be.
_LIMITS = np.array([1.5 * 5.99, 1.5 * 7.81])
_MAX_NOISE = 6.0  # of an image, over what is expected: motion blur
_UNKNOWN = 1e3  # variance of an inverse depth that was not measured
MEDIAN_OF_TWO = 1.386  # of chi-square with two degrees of freedom


@dataclass(frozen=True, eq=False)
class RefinedPose:
    """The most likely pose.

    Attributes:
        T_camera_world: (4, 4).
        hessian: (6, 6) of the twist xi in exp(xi) @ T_camera_world: translation, then rotation.
        is_inlier: (N,) bool, measurements that agree with it.
        chi2: (N,) squared distance of each over its variance; inf behind the camera, and where
            a measurement or its landmark is not known.
        noise: standard deviation of the image's keypoints over what was expected, at least 1: a
            blurred image is noisier.
    """

    T_camera_world: Array
    hessian: Array
    is_inlier: Mask
    chi2: Array
    noise: float

    @property
    def num_inliers(self) -> int:
        """Measurements that agree with it."""
        return int(self.is_inlier.sum())


def refine_pose(
    T_camera_world: Array,
    points_world: Array,
    covariances: Array,
    sightings: Sightings,
    noise: float,
    prior: RotationPrior | None = None,
    *,
    with_compiled: bool = True,
) -> RefinedPose:
    """Minimise the distance of what an image measures to what landmarks predict.

    Every residual (x, y and, where it was measured, the inverse depth) is weighted by the inverse
    of its covariance, which holds the noise of the image and that of the landmark as the camera
    sees it: a landmark that is known badly along one direction counts in the others. Gauss-Newton
    with Cauchy's loss. After the first rounds the noise of the image is measured by the median of
    its residuals, after the others outliers are left out, which may come back.

    Args:
        T_camera_world: (4, 4) first guess.
        points_world: (N, 3) landmarks. N may be 0; one with a number that is not finite, here or
            in the rest of its row, is left out.
        covariances: (N, 3, 3) of them.
        sightings: what the image measures of them, row by row.
        noise: standard deviation of a coordinate on the plane z = 1, above 0.
        prior: what is known about the rotation, or None.
        with_compiled: use the compiled kernel where there is one.

    Returns:
        Always finite. What too few measurements say stays as it was guessed, with a hessian that
        is singular there.

    Raises:
        ValueError: if the guess or the noise cannot be used, or numbers of rows differ.
    """
    _check(T_camera_world, points_world, covariances, sightings, noise)
    spread = 1.0 if sightings.spread is None else sightings.spread
    xy_sigma = noise * np.full(len(points_world), spread, np.float64)
    library = load_library() if with_compiled else None
    if library is None:
        return _in_numpy(T_camera_world, points_world, covariances, sightings, xy_sigma, prior)
    T, num = as_float64(T_camera_world).copy(), len(points_world)
    chi2, is_inlier, hessian = np.empty(num), np.empty(num, bool), np.zeros((6, 6))
    R_prior, prior_sigma = np.eye(3), 0.0
    if prior is not None:
        R_prior, prior_sigma = as_float64(prior.R_camera_world), float(prior.sigma_rad)
    image_noise = call(
        library, "refine_pose", T, as_float64(points_world), as_float64(covariances),
        as_float64(sightings.xy), xy_sigma, as_float64(sightings.inverse_depth),
        as_float64(sightings.depth_sigma), num, _LOSS_WIDTH, _LIMITS, _MAX_NOISE,
        R_prior, prior_sigma, chi2, is_inlier, hessian, returns=ctypes.c_double,
    )  # fmt: skip
    return RefinedPose(T, hessian, is_inlier, chi2, image_noise)


def _check(
    T_camera_world: Array, points: Array, covariances: Array, sightings: Sightings, noise: float
) -> None:
    if np.shape(T_camera_world) != (4, 4) or not np.isfinite(T_camera_world).all():
        raise ValueError(
            f"T_camera_world is {np.asarray(T_camera_world).tolist()}: give a finite (4, 4)"
        )
    if not SMALLEST < noise < LARGEST:
        raise ValueError(f"noise is {noise}: give a deviation above 0 on the plane z = 1")
    num = len(points)
    for name, array, shape in (
        ("points_world", points, (num, 3)),
        ("covariances", covariances, (num, 3, 3)),
        ("sightings.xy", sightings.xy, (num, 2)),
        ("sightings.inverse_depth", sightings.inverse_depth, (num,)),
        ("sightings.depth_sigma", sightings.depth_sigma, (num,)),
    ):
        if np.shape(array) != shape:
            raise ValueError(f"{name} has shape {np.shape(array)}: give {shape}, a row a landmark")


def _in_numpy(
    T_camera_world: Array,
    points_world: Array,
    covariances: Array,
    sightings: Sightings,
    xy_sigma: Array,
    prior: RotationPrior | None,
) -> RefinedPose:
    """Compute in arrays: the reference of the kernel."""
    is_measured = np.isfinite(sightings.inverse_depth) & (sightings.depth_sigma < LARGEST)
    depth_sigma = np.where(is_measured, sightings.depth_sigma, 1.0)
    inverse_depth = np.where(is_measured, sightings.inverse_depth, np.nan)
    measured = np.column_stack([sightings.xy, inverse_depth])
    sigma = np.column_stack([xy_sigma, xy_sigma, depth_sigma])
    numbers = np.column_stack([points_world, np.reshape(covariances, (-1, 9)), sightings.xy])
    is_known = (np.abs(numbers) < LARGEST).all(axis=1)
    is_known &= ((sigma > SMALLEST) & (sigma < LARGEST)).all(axis=1)
    rows = points_world[is_known], covariances[is_known], measured[is_known], sigma[is_known]
    found = _refine_known(T_camera_world, *rows, prior)
    is_inlier, chi2 = np.zeros(len(is_known), bool), np.full(len(is_known), np.inf)
    is_inlier[is_known], chi2[is_known] = found.is_inlier, found.chi2
    return replace(found, is_inlier=is_inlier, chi2=chi2)


def _refine_known(
    T: Array,
    points: Array,
    covariances: Array,
    measured: Array,
    sigma: Array,
    prior: RotationPrior | None,
) -> RefinedPose:
    """Refine by the rows whose numbers can be used, line by line as the kernel does."""
    num, scale = len(points), 1.0
    is_inlier, chi2, hessian = np.ones(num, bool), np.zeros(num), np.zeros((6, 6))
    has_depth = np.isfinite(measured[:, 2])
    for number in range(_NUM_ROUNDS):
        information = inverse_symmetric(_spread(T, points, covariances, sigma, has_depth, scale))
        for _ in range(_NUM_ITERATIONS):
            chi2, hessian, gradient = _linearise(T, points, measured, information, is_inlier)
            if prior is not None:
                difference = prior.R_camera_world @ T[:3, :3].T
                turn = np.array([
                    difference[2, 1] - difference[1, 2],
                    difference[0, 2] - difference[2, 0],
                    difference[1, 0] - difference[0, 1],
                ]) / 2  # fmt: skip
                hessian[3:, 3:] += np.eye(3) / prior.sigma_rad**2
                gradient[3:] += turn / prior.sigma_rad**2
            ridge = (1e-10 * np.trace(hessian) + 1e-12) * np.eye(6)
            step = np.linalg.solve(hessian + ridge, gradient)
            T = se3.exp(step) @ T
            if step @ step < 1e-14:
                break
        chi2 = _linearise(T, points, measured, information, is_inlier)[0]
        if number < _NUM_ROUNDS // 2 and num > 5:
            spread = _spread(T, points, covariances, sigma, has_depth, scale)
            scale = float(np.clip(scale * _excess(T, points, measured, spread), 1, _MAX_NOISE**2))
            continue
        is_inlier = chi2 < _LIMITS[has_depth.astype(int)]
        if is_inlier.sum() < 6:
            break
    U, _, V_transposed = np.linalg.svd(T[:3, :3])
    T = se3.from_rotation_translation(U @ V_transposed, T[:3, 3])
    return RefinedPose(T, hessian, is_inlier, chi2, float(np.sqrt(scale)))


def _seen(T: Array, points: Array) -> tuple[Array, Array, Mask]:
    """Return points in the camera (N, 3), predictions (N, 3) and which are in front (N,)."""
    seen = se3.transform(T, points)
    in_front = seen[:, 2] >= MIN_DEPTH
    inverse = 1 / np.where(in_front, seen[:, 2], 1.0)
    return seen, np.column_stack([seen[:, :2] * inverse[:, None], inverse]), in_front


def _by_point(seen: Array) -> Array:
    """Return the derivative (N, 3, 3) of x, y and inverse depth by a point in the camera."""
    inverse = 1 / seen[:, 2]
    derivative = np.zeros((len(seen), 3, 3))
    derivative[:, 0, 0] = derivative[:, 1, 1] = inverse
    derivative[:, :2, 2] = -seen[:, :2] * inverse[:, None] ** 2
    derivative[:, 2, 2] = -(inverse**2)
    return derivative


def _spread(
    T: Array, points: Array, covariances: Array, sigma: Array, has_depth: Mask, scale: float
) -> Array:
    """Return the covariances (N, 3, 3) of the residuals."""
    seen = se3.transform(T, points)
    seen[:, 2] = np.maximum(seen[:, 2], MIN_DEPTH)
    by_world = _by_point(seen) @ T[:3, :3]
    spread = by_world @ covariances @ by_world.transpose(0, 2, 1)
    spread[:, [0, 1], [0, 1]] += scale * sigma[:, :2] ** 2
    spread[:, 2, 2] += np.where(has_depth, sigma[:, 2] ** 2, _UNKNOWN)
    return spread


def _linearise(
    T: Array, points: Array, measured: Array, information: Array, is_inlier: Mask
) -> tuple[Array, Array, Array]:
    """Return squared distances (N,), inf behind the camera, hessian (6, 6) and gradient (6,)."""
    seen, predicted, in_front = _seen(T, points)
    residuals = np.nan_to_num(measured - predicted, nan=0.0)
    chi2 = np.einsum("ni,nij,nj->n", residuals, information, residuals)
    derivative = _by_point(np.where(in_front[:, None], seen, 1.0))
    x, y, z = seen.T[:, :, None]
    J = np.concatenate([
        derivative,
        (y * derivative[:, :, 2] - z * derivative[:, :, 1])[:, :, None],
        (z * derivative[:, :, 0] - x * derivative[:, :, 2])[:, :, None],
        (x * derivative[:, :, 1] - y * derivative[:, :, 0])[:, :, None],
    ], axis=2)  # fmt: skip
    weight = is_inlier * in_front / (1 + chi2 / _LOSS_WIDTH**2)
    weighted = information @ J * weight[:, None, None]
    hessian = np.einsum("nki,nkj->ij", J, weighted)
    gradient = np.einsum("nki,nk->i", weighted, residuals)
    return np.where(in_front, chi2, np.inf), hessian, gradient


def _excess(T: Array, points: Array, measured: Array, spread: Array) -> float:
    """Return the median squared distance in the image over what it should be."""
    _, predicted, in_front = _seen(T, points)
    off = (measured - predicted)[:, :2]
    inverse = np.linalg.inv(spread[:, :2, :2])
    chi2 = np.einsum("ni,nij,nj->n", off, inverse, off)
    chi2 = np.sort(np.where(in_front, chi2, np.inf))
    return float(chi2[len(chi2) // 2]) / MEDIAN_OF_TWO
