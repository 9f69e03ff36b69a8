"""Tracks as VINS-Mono and its descendants take them: undistorted points and their velocities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aliked_ros.geometry.camera import rectify_keypoints, to_plane
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.structs import AnyArray, Array, Camera, Floats

_NUM_IDS = 2**24  # whole numbers that a float32 holds exactly


def vins_form(result: OdometryResult, camera: Camera, max_tracks: int) -> tuple[Array, Floats]:
    """Return the longest tracks of an image; while tracking, only those that fit the motion.

    Args:
        result: of the image.
        camera: its calibration; only K and the distortion count.
        max_tracks: at most this many.

    Returns:
        points: (K, 2) undistorted, on the plane z = 1 of the raw camera.
        channels: (5, K) float32: track id (modulo 2^24), raw pixel x and y (px), velocity of
            the point on that plane in x and y (1/s).
    """
    tracks = result.tracks
    keep = np.flatnonzero(tracks.inlier_mask | (result.state is not State.TRACKING))
    keep = keep[np.argsort(-tracks.lengths[keep].astype(np.int64), kind="stable")]
    raw = replace(camera, R=np.eye(3), P=None)
    seconds = (result.stamp_ns - tracks.previous_stamp_ns) * 1e-9

    def undistorted(keypoints: AnyArray) -> Array:
        return to_plane(rectify_keypoints(keypoints[keep], raw), raw.K)

    points = undistorted(tracks.keypoints_current)
    velocity = (points - undistorted(tracks.keypoints_previous)) / seconds
    is_known = np.isfinite(velocity).all(axis=1)
    keep, points, velocity = keep[is_known], points[is_known], velocity[is_known]
    ids = (tracks.track_ids[keep] % np.uint64(_NUM_IDS)).astype(np.float32)
    channels = np.column_stack([ids, tracks.keypoints_current[keep], velocity])
    return points[:max_tracks], channels[:max_tracks].T.astype(np.float32)
