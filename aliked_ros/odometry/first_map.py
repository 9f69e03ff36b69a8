"""Two views with parallax, and some between them -> a map that all of them confirm, or none."""

from __future__ import annotations

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.geometry.matrices import covariance_of
from aliked_ros.geometry.pnp import estimate_absolute_pose
from aliked_ros.geometry.pose_refinement import refine_pose
from aliked_ros.odometry.map.keyframe import Keyframe, no_landmarks
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.map.new_landmarks import placed_by
from aliked_ros.odometry.map.window import apply, choose_window
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.two_views import Pair
from aliked_ros.structs import Array

_MAX_SIGMA = 0.4  # of an inverse depth, relative: landmarks that are known worse do not enter
_MIN_LANDMARKS = 30
_MIN_SHOWN = 20  # of them in a view between that is asked
_MIN_CONFIRMED = 0.6  # part of those that it must confirm, and that must survive the adjustment


def build(
    pair: Pair,
    others: list[MatchedViews],
    T_world_first: Array,
    covariance: Array,
    median_depth: float,
    K: Array,
    config: OdometryConfig,
) -> tuple[LocalMap | None, str]:
    """Make a map of two views, ask the ones between them, and adjust it.

    Args:
        pair: the first and the last view.
        others: the first view with each of those between, matched.
        T_world_first: (4, 4) pose of the first view.
        covariance: (6, 6) of it.
        median_depth: of the landmarks in the first view.
        K: (3, 3) intrinsics of the rectified camera, px.
        config: thresholds and noise.

    Returns:
        the map, whose last keyframe is the last view, and ""; or None and why there is none.
    """
    noise = config.keypoint_noise_px / float(K[0, 0])
    local_map = _of_two(pair, T_world_first, covariance, median_depth, noise)
    if local_map is None:
        return None, "too few landmarks have enough parallax"
    first, last = local_map.keyframes
    local_map.keyframes = [first]
    for matched in others:
        image = _locate(local_map, first, matched, K, config, noise)
        if image is None:
            return None, "an image between the first two does not confirm their depths"
        local_map.append(image)
    last.number = local_map.next_number
    local_map.append(last)
    return _adjusted(local_map, config, noise)


def _of_two(
    pair: Pair, T_world_first: Array, covariance: Array, median_depth: float, noise: float
) -> LocalMap | None:
    is_sharp = pair.sigma < _MAX_SIGMA * pair.inverse_depth
    if is_sharp.sum() < _MIN_LANDMARKS:
        return None
    points = pair.points.select(is_sharp)
    inverse_depth, sigma = pair.inverse_depth[is_sharp], pair.sigma[is_sharp]
    view0, view1 = points.view0, points.view1
    unit = median_depth * float(np.median(inverse_depth))
    T_scaled = pair.T_1_0.copy()
    T_scaled[:3, 3] *= unit
    T_first_world = se3.inverse(T_world_first)
    first = Keyframe(0, view0, T_first_world, covariance, no_landmarks(view0))
    last = Keyframe(
        1, view1, T_scaled @ T_first_world, se3.carry(T_scaled, covariance), no_landmarks(view1)
    )
    local_map = LocalMap(view0.descriptors.shape[1])
    local_map.append(first)
    local_map.append(last)
    placed = placed_by(first, points.index0, inverse_depth / unit, sigma / unit, noise)
    first.landmark[points.index0] = local_map.link(last, points.index1, *placed)
    return local_map


def _locate(
    local_map: LocalMap,
    first: Keyframe,
    matched: MatchedViews,
    K: Array,
    config: OdometryConfig,
    noise: float,
) -> Keyframe | None:
    """Return a view between as a keyframe, if it sees the landmarks where they should be."""
    numbers, view = first.landmark[matched.index0], matched.view1
    is_known = numbers != NONE
    numbers, keypoints = numbers[is_known], matched.index1[is_known]
    landmarks = local_map.landmarks
    points = landmarks.points_world[numbers]
    if len(numbers) < _MIN_SHOWN:
        return None
    threshold_px = config.ransac_threshold_px
    pose = estimate_absolute_pose(points, view.pixels[keypoints], K, threshold_px, config.seed)
    if pose is None or pose[1].mean() < _MIN_CONFIRMED:
        return None
    refined = refine_pose(
        pose[0], points, landmarks.covariance[numbers], view.sightings(keypoints), noise
    )
    if refined.is_inlier.mean() < _MIN_CONFIRMED:
        return None
    T_view_first = refined.T_camera_world @ first.T_world_view
    covariance = se3.carry(T_view_first, first.covariance)
    image = Keyframe(
        local_map.next_number, view, refined.T_camera_world, covariance, no_landmarks(view)
    )
    image.landmark[keypoints[refined.is_inlier]] = numbers[refined.is_inlier]
    return image


def _adjusted(
    local_map: LocalMap, config: OdometryConfig, noise: float
) -> tuple[LocalMap | None, str]:
    """Adjust the whole map; most of its links must survive that."""
    num_before = sum(len(k.linked) for k in local_map.keyframes)
    window = choose_window(
        local_map, local_map.newest, len(local_map), noise, has_unit=len(local_map) < 3
    )
    if window is not None:
        apply(local_map, window, adjust_bundle(window.problem))
    num_after = sum(len(k.linked) for k in local_map.keyframes)
    if num_after < _MIN_CONFIRMED * num_before or len(local_map.newest.linked) < _MIN_LANDMARKS:
        return None, "the first map does not fit its own images once it is adjusted"
    newest = local_map.newest
    landmarks, numbers = local_map.landmarks, newest.numbers
    refined = refine_pose(
        newest.T_view_world,
        landmarks.points_world[numbers],
        landmarks.covariance[numbers],
        newest.view.sightings(newest.linked),
        noise,
    )
    newest.covariance = newest.covariance + covariance_of(refined.hessian)
    return local_map, ""
