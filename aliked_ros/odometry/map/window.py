"""The keyframes and landmarks that are adjusted together, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.structs import AnyArray, Array, Index

_NUM_FIXED = 10  # keyframes that hold the window in place
_MIN_SHARED, _MIN_SHARED_FIXED = 15, 10  # landmarks that such a keyframe has in common
_MAX_CHI2 = 13.8  # squared distance of a keypoint: one true one in a thousand is farther


@dataclass(frozen=True, eq=False)
class Window:
    """A part of the map as a problem of bundle adjustment.

    Attributes:
        keyframes: (K,) of the map, in the order of their numbers.
        numbers: (L,) landmarks of the map.
        rows: (N,) keypoint of each observation, in its keyframe.
        problem: the same in arrays.
    """

    keyframes: list[Keyframe]
    numbers: Index
    rows: Index
    problem: BundleProblem


def choose_window(
    local_map: LocalMap, keyframe: Keyframe, num_free: int, noise: float, *, has_unit: bool
) -> Window | None:
    """Return a keyframe with those that have most in common with it, and what they show.

    The keyframes that show the same landmarks but are not adjusted hold the window in place; where
    there are too few of them, the oldest of the window do.

    Args:
        local_map: the map.
        keyframe: one of its keyframes.
        num_free: keyframes that are adjusted, at most.
        noise: standard deviation of a keypoint of spread 1 on the plane z = 1.
        has_unit: depths are measured: one fixed keyframe is enough, else the unit needs two.

    Returns:
        None if there is nothing to adjust.
    """
    near = [k for k in local_map.covisible(keyframe.numbers, _MIN_SHARED) if k is not keyframe]
    free = [keyframe, *near[: num_free - 1]]
    numbers = np.unique(np.concatenate([k.numbers for k in free]))
    around = [k for k in local_map.covisible(numbers, _MIN_SHARED_FIXED) if k not in free]
    fixed = around[:_NUM_FIXED]
    free.sort(key=lambda k: k.number)
    while len(fixed) < (1 if has_unit else 2) and free:
        fixed.append(free.pop(0))
    if not free or len(numbers) == 0:
        return None
    keyframes = sorted([*fixed, *free], key=lambda k: k.number)
    return _make_window(local_map, keyframes, {id(k) for k in fixed}, numbers, noise)


def _make_window(
    local_map: LocalMap,
    keyframes: list[Keyframe],
    fixed: set[int],
    numbers: Index,
    noise: float,
) -> Window:
    column = np.full(len(local_map.landmarks) + 1, NONE)
    column[numbers] = np.arange(len(numbers))
    rows = [np.flatnonzero(column[k.landmark] != NONE) for k in keyframes]
    # A keyframe that shows a landmark twice counts once.
    rows = [
        row[np.unique(k.landmark[row], return_index=True)[1]]
        for k, row in zip(keyframes, rows, strict=True)
    ]

    def gathered(name: str) -> AnyArray:
        tables = [getattr(k.view, name)[row] for k, row in zip(keyframes, rows, strict=True)]
        return np.concatenate(tables)

    landmark = [column[k.landmark[row]] for k, row in zip(keyframes, rows, strict=True)]
    problem = BundleProblem(
        np.array([k.T_view_world for k in keyframes]),
        np.array([id(k) in fixed for k in keyframes]),
        local_map.landmarks.points_world[numbers],
        np.repeat(np.arange(len(keyframes)), [len(row) for row in rows]),
        np.concatenate(landmark),
        gathered("xy"),
        noise * gathered("spread"),
        gathered("inverse_depth"),
        gathered("depth_sigma"),
    )
    return Window(keyframes, numbers, np.concatenate(rows), problem)


def apply(local_map: LocalMap, window: Window, result: BundleResult) -> Array:
    """Move keyframes and landmarks to where they fit best; unlink what does not fit.

    Images that came since the window was chosen, and what they made, move along with its newest
    keyframe.

    Returns:
        (4, 4) the left factor of T_world_view of such images.
    """
    newest = window.keyframes[-1]
    T_view_world_before = newest.T_view_world
    for keyframe, T_view_world in zip(window.keyframes, result.T_camera_world, strict=True):
        keyframe.T_view_world = T_view_world
    landmarks, used = local_map.landmarks, window.numbers[result.is_used]
    landmarks.points_world[used] = result.points_world[result.is_used]
    landmarks.covariance[used] = result.point_covariance[result.is_used]
    _unlink(window, result)
    T_before_after = se3.inverse(T_view_world_before) @ newest.T_view_world
    _move_newer(local_map, newest.number, T_before_after)
    return se3.inverse(T_before_after)


def _unlink(window: Window, result: BundleResult) -> None:
    """Break links whose keypoint is too far from where its landmark should be."""
    is_wrong = result.reprojection_chi2 > _MAX_CHI2  # False where it is NaN
    owners = window.problem.keyframe
    numbers = window.numbers[window.problem.landmark]
    for position in np.unique(owners[is_wrong]):
        keyframe = window.keyframes[position]
        mine = is_wrong & (owners == position)
        rows = window.rows[mine]
        # The link may be another one by now.
        rows = rows[keyframe.landmark[rows] == numbers[mine]]
        keyframe.landmark[rows] = NONE


def _move_newer(local_map: LocalMap, number: int, T_before_after: Array) -> None:
    """Move images with higher numbers, and landmarks that they made."""
    newer = [k for k in local_map.images if k.number > number]
    if not newer:
        return
    T_after_before = se3.inverse(T_before_after)
    for keyframe in newer:
        keyframe.T_view_world = keyframe.T_view_world @ T_before_after
    landmarks = local_map.landmarks
    moved = np.flatnonzero(landmarks.is_alive & (landmarks.born > number))
    landmarks.points_world[moved] = se3.transform(T_after_before, landmarks.points_world[moved])
    R = T_after_before[:3, :3]
    landmarks.covariance[moved] = R @ landmarks.covariance[moved] @ R.T
