"""A view that was located, begins or only turned -> the view with its pose and covariance."""

from __future__ import annotations

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.keyframe import Keyframe, no_landmarks
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.motion import MotionSince
from aliked_ros.odometry.result import Motion
from aliked_ros.odometry.two_views import Rotation
from aliked_ros.odometry.uncertainty import PoseCovariance, Uncertainty
from aliked_ros.odometry.view import PosedView, View
from aliked_ros.structs import Array


def accept(
    view: View,
    located: Located,
    motion: MotionSince,
    local_map: LocalMap,
    uncertainty: Uncertainty,
) -> tuple[Keyframe, PoseCovariance]:
    """Return a view as it lies in the map, which takes note of what it showed; its covariance.

    Args:
        view: the image.
        located: its pose and landmarks.
        motion: since the reference.
        local_map: the map.
        uncertainty: of the image before.
    """
    # Measured against a keyframe that stays, so a slow motion is only late, never lost.
    is_still = motion.kind is Motion.NONE
    T_view_world = local_map.reference.T_view_world if is_still else located.T_view_world
    links, landmarks = located.links, local_map.landmarks
    landmark = no_landmarks(view)
    landmark[links.keypoints] = links.numbers
    landmarks.num_expected[links.expected] += 1
    landmarks.num_found[links.numbers] += 1
    image = Keyframe(local_map.next_number, view, T_view_world, located.covariance, landmark)
    covariance = uncertainty.follow(image, located, landmarks, is_still=is_still)
    image.covariance = covariance.total
    local_map.newest_image = image
    return image, covariance


def median_depth(local_map: LocalMap, image: Keyframe) -> float:
    """Return how far away the landmarks are that an image shows."""
    points = local_map.landmarks.points_world[image.numbers]
    return float(np.median(se3.transform(image.T_view_world, points)[:, 2]))


def first_keyframe(start: PosedView) -> Keyframe:
    """Return a view as the first keyframe of a map that is still empty."""
    T_view_world = se3.inverse(start.T_world_view)
    return Keyframe(0, start.view, T_view_world, start.covariance, no_landmarks(start.view))


def turned(
    posed: PosedView,
    view: View,
    rotation: Rotation,
    median_depth: float,
    K: Array,
    config: OdometryConfig,
) -> PosedView:
    """Return a view of a single camera that only turned.

    Args:
        posed: the image before.
        view: the image.
        rotation: between them.
        median_depth: of what the camera sees: how far it may have moved unseen.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds.
    """
    T_1_0 = se3.from_rotation_translation(rotation.R_1_0, np.zeros(3))
    hidden = config.ransac_threshold_px / float(K[0, 0]) * median_depth
    since = np.diag(np.repeat([hidden, rotation.sigma_rad], 3) ** 2)
    covariance = se3.carry(T_1_0, posed.covariance) + since
    return PosedView(view, posed.T_world_view @ se3.inverse(T_1_0), covariance, step=since)
