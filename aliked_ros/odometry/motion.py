"""What kind of motion lies between the reference keyframe and a view: none, a rotation, general."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.rotation import align_rays
from aliked_ros.geometry.vectors import angles_rad, homogeneous, unit
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array

_MIN_COMMON = 6  # landmarks that both show; with fewer nothing is said


@dataclass(frozen=True)
class MotionSince:
    """How a view differs from the reference keyframe.

    Attributes:
        kind: of the motion.
        num_common: landmarks that both show.
        parallax_deg: median angle between their rays after removing the rotation.
        displacement_px: median distance that they moved in the image.
    """

    kind: Motion
    num_common: int
    parallax_deg: float
    displacement_px: float


def motion_since(
    local_map: LocalMap, view: View, located: Located, focal_px: float, still_px: float
) -> MotionSince:
    """Tell no motion and pure rotation since the map's reference from general motion.

    What counts is the movement of the image that the pose explains, a median over all landmarks:
    if that is below the noise of one keypoint, `still_px`, nobody can see it.
    """
    reference, landmarks = local_map.reference, local_map.landmarks
    keypoints0 = reference.keypoints_of(located.links.numbers, len(landmarks))
    is_common = keypoints0 != NONE
    num_common = int(is_common.sum())
    if num_common < _MIN_COMMON:
        return MotionSince(Motion.GENERAL, num_common, 0.0, np.inf)
    points = landmarks.points_world[located.links.numbers[is_common]]
    keypoints0, keypoints1 = keypoints0[is_common], located.links.keypoints[is_common]
    rays0 = unit(se3.transform(reference.T_view_world, points))
    rays1 = unit(se3.transform(located.T_view_world, points))
    kind = _kind(rays0, rays1, focal_px, still_px)
    R_1_0 = located.T_view_world[:3, :3] @ reference.T_view_world[:3, :3].T
    measured0, measured1 = _rays(reference.view, keypoints0), _rays(view, keypoints1)
    parallax_deg = np.degrees(np.median(angles_rad(measured0 @ R_1_0.T, measured1)))
    moved_px = view.pixels[keypoints1] - reference.view.pixels[keypoints0]
    displacement_px = np.median(np.linalg.norm(moved_px, axis=1))
    return MotionSince(kind, num_common, float(parallax_deg), float(displacement_px))


def _kind(rays0: Array, rays1: Array, focal_px: float, still_px: float) -> Motion:
    if focal_px * np.median(angles_rad(rays0, rays1)) < still_px:
        return Motion.NONE
    rotation_alone = align_rays(rays0, rays1)
    if focal_px * np.median(angles_rad(rays0 @ rotation_alone.T, rays1)) < still_px:
        return Motion.ROTATION
    return Motion.GENERAL


def _rays(view: View, keypoints: Array) -> Array:
    return unit(homogeneous(view.xy[keypoints]))
