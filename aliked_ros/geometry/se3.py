"""Rigid motions T_a_b as 4x4 matrices and their covariances: build, invert, exp, log, apply."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.geometry.quaternions import to_quaternions
from aliked_ros.structs import Array

# T_base_camera of a camera that is the base (REP 103): the body has x forward, y left, z up, the
# optical frame x right, y down, z forward.
T_BODY_OPTICAL = np.array(
    [[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)

# Below this angle (rad) the closed forms lose digits to 0/0; the series are exact to 1e-16 there.
_SMALL_ANGLE = 1e-4
_ROTATION_TOLERANCE = 1e-2  # of the entries of a matrix that somebody wrote with few digits


def from_rotation_translation(R_a_b: Array, t_a_b: Array) -> Array:
    """Return T_a_b (4, 4) from R_a_b (3, 3) and t_a_b (3,), the origin of b seen from a."""
    T_a_b = np.eye(4)
    T_a_b[:3, :3] = R_a_b
    T_a_b[:3, 3] = t_a_b
    return T_a_b


def checked(T_a_b: Array, name: str) -> Array:
    """Return a motion (4, 4) from outside, if it is a rigid one.

    Raises:
        ValueError: with the name and the values, if it is not finite, or turns by no rotation.
    """
    R = T_a_b[:3, :3]
    is_finite = bool(np.isfinite(T_a_b).all())
    is_rotation = is_finite and np.allclose(R @ R.T, np.eye(3), atol=_ROTATION_TOLERANCE)
    if not is_rotation or np.linalg.det(R) < 0 or np.any(T_a_b[3] != [0, 0, 0, 1]):
        raise ValueError(
            f"{name} is {np.round(T_a_b, 4).tolist()}, which is no rigid motion: its upper left "
            "3x3 must be a rotation, its last column a place in metres, its last row 0 0 0 1"
        )
    return T_a_b


def inverse(T_a_b: Array) -> Array:
    """Return T_b_a (4, 4)."""
    R_b_a = T_a_b[:3, :3].T
    return from_rotation_translation(R_b_a, -R_b_a @ T_a_b[:3, 3])


def transform(T_a_b: Array, points_b: Array) -> Array:
    """Return points_a (N, 3) of points_b (N, 3)."""
    return points_b @ T_a_b[:3, :3].T + T_a_b[:3, 3]


def skew(v: Array) -> Array:
    """Return the matrix (3, 3) whose product with w is the cross product v x w."""
    x, y, z = v
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def exp_so3(phi: Array) -> Array:
    """Return the rotation (3, 3) about phi (3,) by |phi| rad."""
    R: Array = cv2.Rodrigues(np.asarray(phi, dtype=np.float64))[0]
    return R


def log_so3(R: Array) -> Array:
    """Return the rotation vector (3,), rad, of length at most pi."""
    # OpenCV's Rodrigues returns exactly 0 below 1e-5 rad.
    *axis, cosine = to_quaternions(R)  # of half the angle, the axis by its sine
    sine = float(np.linalg.norm(axis))
    half_angle = np.arctan2(sine, abs(cosine))
    stretch = 2 * half_angle / sine if sine > 0 else 2.0
    return np.copysign(stretch, cosine) * np.asarray(axis)


def _left_jacobian(phi: Array) -> Array:
    """Return V (3, 3) of exp: t = V @ rho (Barfoot, State Estimation for Robotics, eq. 7.77)."""
    angle = float(np.linalg.norm(phi))
    if angle < _SMALL_ANGLE:
        a, b = 1 / 2, 1 / 6
    else:
        a = (1 - np.cos(angle)) / angle**2
        b = (angle - np.sin(angle)) / angle**3
    cross = skew(phi)
    return np.eye(3) + a * cross + b * cross @ cross


def exp(xi: Array) -> Array:
    """Return the motion (4, 4) of a twist (6,): translation part first, then rotation, rad."""
    return from_rotation_translation(exp_so3(xi[3:]), _left_jacobian(xi[3:]) @ xi[:3])


def log(T: Array) -> Array:
    """Return the twist (6,) of a motion: translation part first, then rotation, rad."""
    phi = log_so3(T[:3, :3])
    return np.concatenate([np.linalg.solve(_left_jacobian(phi), T[:3, 3]), phi])


def adjoint(T_a_b: Array) -> Array:
    """Return the matrix (6, 6) that takes a twist in frame b to the same motion in frame a.

    T_a_b @ exp(xi) @ inverse(T_a_b) = exp(adjoint(T_a_b) @ xi); translation part first.
    """
    R = T_a_b[:3, :3]
    result = np.zeros((6, 6))
    result[:3, :3] = result[3:, 3:] = R
    result[:3, 3:] = skew(T_a_b[:3, 3]) @ R
    return result


def rotation_angle_deg(R: Array) -> float:
    """Return the angle of a rotation (3, 3), deg in [0, 180]."""
    return float(np.degrees(np.linalg.norm(log_so3(R))))


def propagate(jacobian: Array, covariance: Array) -> Array:
    """Return the covariance (n, n) of a linear function (n, m) of something with one (m, m)."""
    return jacobian @ covariance @ jacobian.T


def carry(T_a_b: Array, covariance: Array) -> Array:
    """Turn the covariance (6, 6) of a twist in frame b to that of the same motion in frame a."""
    return propagate(adjoint(T_a_b), covariance)


def turn(R_a_b: Array, covariance: Array) -> Array:
    """Turn a covariance (6, 6) about the axes of b to the axes of a, for the same point."""
    both = np.zeros((6, 6))
    both[:3, :3] = both[3:, 3:] = R_a_b
    return propagate(both, covariance)
