"""How uncertain a pose is: a walk that grows with the view, noise of each image, a free unit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.pose_refinement import MEDIAN_OF_TWO
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.landmarks import NONE, Landmarks
from aliked_ros.structs import Array

# Fitted to rendered rooms (seeds 0 and 1; rgbd, stereo and mono): variance that the walk gains per
# image width of motion, over that of a pose from one image; deviation of a single camera's unit.
_GROWTH = 20.0
UNIT_DEVIATION = 0.003
_MIN_COMMON = 20  # landmarks of two images; with fewer nothing is known of what they share


@dataclass(frozen=True, eq=False)
class PoseCovariance:
    """What is not known of a pose: (6, 6) each, translation, then rotation, axes of the view.

    Attributes:
        total: all of it.
        noise: the part that is of this image alone.
        step: what the walk gained since the image before, but for a wrong unit.
        unit_deviation: relative standard deviation of the unit of lengths.
    """

    total: Array
    noise: Array
    step: Array
    unit_deviation: float


class Uncertainty:
    """Adds up what is not known of poses.

    An image that fits its landmarks with covariance C (the inverse Hessian) is wrong in some ways.
    What its keypoints do not share with those of the image before is noise of this image: a part
    of C that the residuals of the landmarks which both show tell, as they change. What they share
    stays, as long as the view does: a keypoint sits beside its landmark by the same offset in
    images that look alike. As the view changes, the offsets do, and for whole regions together,
    so that they do not average out: the pose walks by a multiple of C per image width that the
    keypoints move. A camera that stands still does not walk.

    Where adjusting moves the map, the pose before was wrong by that: the walk takes it as a step.

    The unit of a single camera is wrong by a part that stays while the view does. So a motion is
    too long or too short as a whole, whatever number of images it took, and the path walks along
    its direction by what it went while the view changed.
    """

    def __init__(self, image_width: int) -> None:
        """Take the width of the images, px."""
        self.noise = 1.0  # standard deviation of a keypoint of spread 1 on the plane z = 1
        self.unit_deviation = 0.0  # UNIT_DEVIATION where nothing measures metres
        self._image_width = image_width
        self._image: Keyframe | None = None
        self._walk: Array = np.zeros((6, 6))
        self._corrected: Array = np.zeros((6, 6))  # since the image
        self._trail = 0.0  # length of the path of which the view shows something

    def restart(self, image: Keyframe) -> None:
        """Walk on from an image, with the covariance that it has."""
        self._image, self._walk = image, image.covariance
        self._corrected, self._trail = np.zeros((6, 6)), 0.0

    def correct(self, correction: Array, T_world_view: Array) -> None:
        """Take note that adjusting has moved the map.

        Args:
            correction: (4, 4) left factor of T_world_view.
            T_world_view: (4, 4) of the last image, before it was moved.
        """
        if np.array_equal(correction, np.eye(4)):
            return
        moved = se3.log(se3.inverse(T_world_view) @ correction @ T_world_view)
        self._corrected = self._corrected + np.outer(moved, moved)

    def corrected(self, covariance: PoseCovariance) -> PoseCovariance:
        """Return the covariance of the last image, which has moved since `follow` returned it."""
        moved, self._corrected = self._corrected, np.zeros((6, 6))
        self._walk = self._walk + moved
        return replace(covariance, total=covariance.total + moved, step=covariance.step + moved)

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
        T_view_before = np.eye(4)
        if before is not None:
            share, flow = self._change(before, image, located.noise, landmarks)
            T_view_before = image.T_view_world @ before.T_world_view
        step = se3.carry(T_view_before, self._corrected)
        walk = se3.carry(T_view_before, self._walk)
        if not is_still:
            step = step + _GROWTH * flow * located.covariance
            walk = walk + self._stretch(T_view_before[:3, 3], flow)
        self._image, self._walk, self._corrected = image, walk + step, np.zeros((6, 6))
        noise = share * located.covariance
        return PoseCovariance(self._walk + noise, noise, step, self.unit_deviation)

    def _stretch(self, displacement: Array, flow: float) -> Array:
        """Return what the walk gains by a wrong unit, which is the same as on the trail."""
        length, trail = float(np.linalg.norm(displacement)), self._trail
        self._trail = np.exp(-flow) * trail + length
        if length == 0:
            return np.zeros((6, 6))
        along = np.concatenate([displacement / length, np.zeros(3)])
        variance = self.unit_deviation**2 * length * (length + 2 * trail)
        return variance * np.outer(along, along)

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
