"""How uncertain a pose is: a random walk that grows with the view, and noise of each image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.pose_refinement import MEDIAN_OF_TWO
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.landmarks import NONE, Landmarks
from aliked_ros.structs import Array

# Variance that the walk gains per image width of motion, over that of a pose from one image. Fitted
# to rendered rooms (seeds 0 and 1, rgbd and stereo).
_GROWTH = 29.0
_MIN_COMMON = 20  # landmarks of two images; with fewer nothing is known of what they share


@dataclass(frozen=True, eq=False)
class PoseCovariance:
    """What is not known of a pose: (6, 6) each, translation, then rotation, axes of the view.

    Attributes:
        total: all of it.
        noise: the part that is of this image alone.
        step: what the walk gained since the image before.
    """

    total: Array
    noise: Array
    step: Array


class Uncertainty:
    """Adds up what is not known of poses.

    An image that fits its landmarks with covariance C (the inverse Hessian) is wrong in two ways.
    What its keypoints do not share with those of the image before is noise of this image: a part
    of C that the residuals of the landmarks which both show tell, as they change. What they share
    stays, as long as the view does: a keypoint sits beside its landmark by the same offset in
    images that look alike. As the view changes, the offsets do, and for whole regions together,
    so that they do not average out: the pose walks by a multiple of C per image width that the
    keypoints move. A camera that stands still does not walk.
    """

    def __init__(self, image_width: int) -> None:
        """Take the width of the images, px."""
        self.noise = 1.0  # standard deviation of a keypoint of spread 1 on the plane z = 1
        self._image_width = image_width
        self._image: Keyframe | None = None
        self._walk: Array = np.zeros((6, 6))

    def restart(self, image: Keyframe) -> None:
        """Walk on from an image, with the covariance that it has."""
        self._image, self._walk = image, image.covariance

    def follow(
        self, image: Keyframe, located: Located, landmarks: Landmarks, *, is_still: bool
    ) -> PoseCovariance:
        """Return the covariance of the next image, and walk on from it.

        Args:
            image: with its pose and links.
            located: what was measured of it.
            landmarks: of its map.
            is_still: nothing moved since the keyframe.
        """
        before = self._image
        share, flow = 1.0, 1.0
        walk = self._walk
        if before is not None:
            share, flow = self._change(before, image, located.noise, landmarks)
            walk = se3.carry(image.T_view_world @ before.T_world_view, walk)
        step = np.zeros((6, 6)) if is_still else _GROWTH * flow * located.covariance
        self._image, self._walk = image, walk + step
        noise = share * located.covariance
        return PoseCovariance(self._walk + noise, noise, step)

    def _change(
        self, before: Keyframe, image: Keyframe, excess: float, landmarks: Landmarks
    ) -> tuple[float, float]:
        """Return the part of the noise that is new, and the motion in widths of the image."""
        rows1 = image.linked
        rows0 = before.keypoints_of(image.landmark[rows1], len(landmarks))
        rows0, rows1 = rows0[rows0 != NONE], rows1[rows0 != NONE]
        if len(rows0) < _MIN_COMMON:
            return 1.0, 1.0
        points = landmarks.points_world[image.landmark[rows1]]
        view0, view1 = before.view, image.view
        changed = _residuals(image, rows1, points) - _residuals(before, rows0, points)
        variance = (self.noise**2) * (view0.spread[rows0] ** 2 + view1.spread[rows1] ** 2)
        new = np.median((changed**2).sum(axis=1) / variance) / MEDIAN_OF_TWO
        moved_px = np.linalg.norm(view1.pixels[rows1] - view0.pixels[rows0], axis=1)
        flow = float(np.median(moved_px)) / self._image_width
        return float(min(new / excess**2, 1.0)), min(flow, 1.0)


def _residuals(image: Keyframe, rows: Array, points_world: Array) -> Array:
    seen = se3.transform(image.T_view_world, points_world)
    residuals: Array = image.view.xy[rows] - seen[:, :2] / seen[:, 2:]
    return residuals
