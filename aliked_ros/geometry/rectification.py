"""Two calibrated views -> rectified stereo: cameras whose rows agree, and their images."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import rectify_keypoints
from aliked_ros.structs import Array, Camera, Floats, Pixels

_MAX_TURN_DEG = 60.0  # of two views that show the same


def rectify_pair(left: Camera, right: Camera, T_left_right: Array) -> tuple[Camera, Camera]:
    """Return both cameras with the R and P that make corresponding rows agree.

    Both views are turned by half of the rotation between them and then onto the baseline, so that
    neither image is bent more than it must be. Any mix of distortion models works.

    Args:
        left: raw left camera; its R and P are ignored.
        right: raw right camera; its R and P are ignored.
        T_left_right: (4, 4), metres, pose of the right camera in the left one's optical frame.

    Raises:
        ValueError: if the right camera is not to the right of the left one.
    """
    R_left_right, t_left_right = T_left_right[:3, :3], T_left_right[:3, 3]
    turn_deg = se3.rotation_angle_deg(R_left_right)
    if turn_deg > _MAX_TURN_DEG:
        raise ValueError(
            f"the right camera is turned by {turn_deg:.0f} deg against the left one: turn its "
            f"images and its calibration, or give a pair that is turned by at most "
            f"{_MAX_TURN_DEG:g} deg"
        )
    half = se3.exp_so3(se3.log_so3(R_left_right) / 2)  # R_left_middle
    baseline_middle = half.T @ t_left_right
    baseline_m = float(np.linalg.norm(baseline_middle))
    if baseline_middle[0] < 0.5 * baseline_m or baseline_m == 0:
        raise ValueError(
            f"the right camera is at {np.round(t_left_right, 4).tolist()} m in the left camera's "
            "frame (x right, y down, z forward): give a stereo pair side by side, left one first"
        )
    R_rectified_middle = _turn_onto(baseline_middle / baseline_m)
    R_rectified_left = R_rectified_middle @ half.T
    R_rectified_right = R_rectified_left @ R_left_right
    K = _common_intrinsics([(left, R_rectified_left), (right, R_rectified_right)])
    P_left = np.column_stack([K, np.zeros(3)])
    P_right = P_left.copy()
    P_right[0, 3] = -K[0, 0] * baseline_m
    return (
        replace(left, R=R_rectified_left, P=P_left),
        replace(right, R=R_rectified_right, P=P_right),
    )


def _turn_onto(x_axis: Array) -> Array:
    """Return the smallest rotation (3, 3) that takes a unit vector (3,) to (1, 0, 0)."""
    axis = np.cross(x_axis, [1.0, 0.0, 0.0])
    sine = float(np.linalg.norm(axis))
    if sine < 1e-12:
        return np.eye(3)
    return se3.exp_so3(axis / sine * np.arctan2(sine, x_axis[0]))


def _common_intrinsics(views: list[tuple[Camera, Array]]) -> Array:
    """Return K (3, 3), px, of the rectified images: mean focal length, centred content."""
    focal = float(np.mean([camera.K[1, 1] for camera, _ in views]))
    offsets = []
    for camera, R_rectified_camera in views:
        x, y = (camera.width - 1) / 2, (camera.height - 1) / 2
        # Where the middles of the four sides land tells the shift that centres the content.
        border = np.array([[0.0, y], [2 * x, y], [x, 0.0], [x, 2 * y]])
        unit = np.diag([focal, focal, 1.0])
        plain = replace(camera, R=R_rectified_camera, P=np.column_stack([unit, np.zeros(3)]))
        landed = rectify_keypoints(border, plain)
        centre = np.nanmean(landed, axis=0) if np.isfinite(landed).any() else np.zeros(2)
        offsets.append([x, y] - centre)
    cx, cy = np.mean(offsets, axis=0)
    return np.array([[focal, 0.0, cx], [0.0, focal, cy], [0.0, 0.0, 1.0]])


class Rectifier:
    """Turns raw images of one camera into rectified ones; free when they already are."""

    def __init__(self, camera: Camera) -> None:
        """Prepare the pixel maps of a camera."""
        self._maps: tuple[Floats, Floats] | None = None
        if not camera.is_distorted:
            return
        size = (camera.width, camera.height)
        K, D, R, P = camera.K, camera.D, camera.R, camera.K_rectified
        if camera.distortion_model == "equidistant":
            maps = cv2.fisheye.initUndistortRectifyMap(K, D, R, P, size, cv2.CV_32FC1)
        else:
            maps = cv2.initUndistortRectifyMap(K, D, R, P, size, cv2.CV_32FC1)
        self._maps = maps

    def __call__(self, image: Pixels) -> Pixels:
        """Return the rectified image (H, W[, 3]) of a raw one of the camera's size."""
        if self._maps is None:
            return image
        rectified = cv2.remap(image, self._maps[0], self._maps[1], cv2.INTER_LINEAR)
        return np.asarray(rectified, dtype=np.uint8)
