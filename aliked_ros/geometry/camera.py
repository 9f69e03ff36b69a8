"""Pinhole and distortion: raw pixels <-> rectified pixels <-> rays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from aliked_ros.structs import AnyArray, Array, Camera

_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-10)
# A distortion model can be inverted only inside the radius where it grows; a pixel that does not
# come back to itself within this distance lies outside.
_ROUND_TRIP_PX = 0.1
# Part of the baseline by which one camera may lie below the other or before it: calibrations of
# rectified pairs that are in use have 0.6 %, where rows differ by tenths of a pixel.
_MAX_OBLIQUE = 0.02


def rectify_keypoints(keypoints: AnyArray, camera: Camera) -> Array:
    """Return where keypoints of the raw image lie in the rectified one.

    Args:
        keypoints: (N, 2) px in the raw image.
        camera: gives K, distortion, R and P.

    Returns:
        (N, 2) px in the rectified image; NaN where the distortion model cannot be inverted.
    """
    keypoints = np.asarray(keypoints, dtype=np.float64).reshape(-1, 2)
    if not camera.is_distorted or len(keypoints) == 0:
        return keypoints
    xy = _undistort(keypoints, camera)  # (N, 2) on the plane z = 1 of the raw camera
    rays = np.column_stack([xy, np.ones(len(xy))])
    with np.errstate(invalid="ignore"):
        returned = project_raw(rays, camera)
        inverted = np.linalg.norm(returned - keypoints, axis=1) < _ROUND_TRIP_PX
        rays_rectified = rays @ camera.R.T
        visible = inverted & (rays_rectified[:, 2] > 1e-6)
    rectified = np.full_like(keypoints, np.nan)
    rectified[visible] = project(rays_rectified[visible], camera.K_rectified)
    return rectified


def _undistort(keypoints: Array, camera: Camera) -> Array:
    """Return raw pixels (N, 2) as coordinates (N, 2) on the plane z = 1."""
    pixels = keypoints.reshape(-1, 1, 2)
    if camera.distortion_model == "equidistant":
        return cv2.fisheye.undistortPoints(pixels, camera.K, camera.D).reshape(-1, 2)
    # OpenCV before 5 takes the stopping criteria in a function of its own.
    undistort: Any = getattr(cv2, "undistortPointsIter", cv2.undistortPoints)
    xy = undistort(pixels, camera.K, camera.D, R=None, P=None, criteria=_CRITERIA)
    return np.asarray(xy).reshape(-1, 2)


def project_raw(points_camera: Array, camera: Camera) -> Array:
    """Return the raw pixels (N, 2), px, of points (N, 3) in the raw camera's optical frame.

    Only for points in front of the camera (z > 0).
    """
    points = np.asarray(points_camera, dtype=np.float64).reshape(-1, 1, 3)
    if len(points) == 0:
        return np.zeros((0, 2))
    zero = np.zeros(3)
    if camera.distortion_model == "equidistant":
        pixels, _ = cv2.fisheye.projectPoints(points, zero, zero, camera.K, camera.D)
    else:
        pixels, _ = cv2.projectPoints(points, zero, zero, camera.K, camera.D)
    return np.asarray(pixels).reshape(-1, 2)


def project(points: Array, K: Array) -> Array:
    """Return the pinhole pixels (N, 2), px, of points (N, 3); K is (3, 3), px."""
    xy: Array = points[:, :2] / points[:, 2:3]
    return xy * [K[0, 0], K[1, 1]] + [K[0, 2], K[1, 2]]


def to_plane(pixels: Array, K: Array) -> Array:
    """Return pinhole pixels (N, 2) as coordinates (N, 2) on the plane z = 1; K is (3, 3), px."""
    offsets: Array = pixels - [K[0, 2], K[1, 2]]
    return offsets / [K[0, 0], K[1, 1]]


def baseline_m(right: Camera, left: Camera | None = None) -> float:
    """Return how far the right camera of a rectified pair is to the right of the left one, metres.

    Both P are projections of points in one frame, which need not be that of the left camera.

    Args:
        right: P[0, 3] is -fx times its x in that frame.
        left: likewise; None: that frame is its own.

    Raises:
        ValueError: if there is no baseline, or both are no rectified pair.
    """
    if right.P is None:
        raise ValueError(
            "P of the right camera is empty, so there is no baseline (P[3] is -fx * baseline_m): "
            "publish the camera_info of a stereo calibration or give the transform between the "
            "cameras"
        )
    P_left = _projection(right.P[:, :3] if left is None else left.K)
    if left is not None and left.P is not None:
        P_left = left.P
    _check_pair(P_left, right.P)
    # P = K [I | t]: the places of both cameras in the frame of the projections, negated.
    t_left, t_right = (np.linalg.solve(P[:, :3], P[:, 3]) for P in (P_left, right.P))
    baseline, down, forward = (float(value) for value in t_left - t_right)
    limit_m = max(1e-3, _MAX_OBLIQUE * abs(baseline))
    for name, row, off_m, how in (("P[11]", 2, forward, "behind"), ("P[7]", 1, down, "above")):
        if abs(off_m) > limit_m:
            raise ValueError(
                f"{name} is {P_left[row, 3]:.6g} on the left and {right.P[row, 3]:.6g} on the "
                f"right: one camera is {abs(off_m):.4g} m {how} the other, the baseline is "
                f"{baseline:.4g} m; that is not supported, turn or rectify the pair"
            )
    if baseline <= 1e-6:
        raise ValueError(
            f"the baseline is {baseline:.6g} m (P[3] is {P_left[0, 3]:.6g} on the left and "
            f"{right.P[0, 3]:.6g} on the right, both -fx times a place in m): it must be positive; "
            "publish the camera_info of a stereo calibration, left camera first, or give the "
            "transform between the cameras"
        )
    return baseline


def with_principal_point_of(left: Camera, right: Camera) -> Camera:
    """Return the right camera of a pair, rectified so that what is far away has no disparity."""
    if right.P is None or right.P[0, 2] == left.K_rectified[0, 2]:
        return right
    P = right.P.copy()
    P[0, 2] = left.K_rectified[0, 2]
    return replace(right, P=P)


def _projection(K: Array) -> Array:
    return np.column_stack([K, np.zeros(3)])


def _check_pair(P_left: Array, P_right: Array) -> None:
    """Raise ValueError if rows of the two images do not correspond."""
    for name, row, column in (("P[0]", 0, 0), ("P[5]", 1, 1), ("P[6]", 1, 2)):
        left, right = P_left[row, column], P_right[row, column]
        if abs(left - right) > 1e-3 * abs(P_left[0, 0]):
            raise ValueError(
                f"{name} is {left:.6g} on the left and {right:.6g} on the right: in a rectified "
                "pair they are equal; publish the camera_info of a stereo calibration"
            )


def poselib_pinhole(K: Array) -> dict[str, Any]:
    """Return a pinhole camera as PoseLib takes it; K is (3, 3), px."""
    # PoseLib never looks at width and height for this model, but insists on having them.
    parameters = [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]
    return {"model": "PINHOLE", "width": 0, "height": 0, "params": parameters}
