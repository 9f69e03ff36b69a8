"""Pinhole and distortion: raw pixels <-> rectified pixels <-> rays."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from aliked_ros.structs import AnyArray, Array, Camera

_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-10)
# A distortion model can be inverted only inside the radius where it grows; a pixel that does not
# come back to itself within this distance lies outside.
_ROUND_TRIP_PX = 0.1


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


def baseline_m(right: Camera) -> float:
    """Return the baseline of a rectified pair from the right camera's P, metres.

    Raises:
        ValueError: if P holds no baseline.
    """
    offset = 0.0 if right.P is None else float(right.P[0, 3])
    if offset >= 0:
        raise ValueError(
            f"P[0, 3] of the right camera is {offset}: it must be -fx * baseline_m, negative; "
            "publish the camera_info of a stereo calibration or give the transform between the "
            "cameras"
        )
    assert right.P is not None
    return -offset / float(right.P[0, 0])


def poselib_pinhole(K: Array) -> dict[str, Any]:
    """Return a pinhole camera as PoseLib takes it; K is (3, 3), px."""
    # PoseLib never looks at width and height for this model, but insists on having them.
    parameters = [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]
    return {"model": "PINHOLE", "width": 0, "height": 0, "params": parameters}
