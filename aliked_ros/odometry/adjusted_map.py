"""The local map, adjusted whenever it gets a keyframe, beside the frames if need be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult
from aliked_ros.odometry.adjusted_depths import pass_depths_on
from aliked_ros.odometry.landmark_search import find_landmarks
from aliked_ros.odometry.local_map import NONE, LocalMap, gather
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array

_MAX_CHI2 = 13.8  # of a reprojection: one true observation in a thousand is worse


class Runner(Protocol):
    """Where a window is adjusted: one after the other, in the order in which they come."""

    def start(self, problem: BundleProblem) -> None:
        """Begin with a problem; not before the result of the last one was taken."""

    def take(self) -> BundleResult | None:
        """Return a result once, when it is there."""

    @property
    def is_busy(self) -> bool:
        """Whether a problem was started whose result is not there yet."""


@dataclass
class _Waiting:
    """A keyframe (view 1) that came while the window was being adjusted."""

    matched: MatchedViews
    measured: View


class AdjustedMap:
    """A local map that is adjusted whenever it gets a keyframe.

    Args:
        config: size of the window, noise.
        K: (3, 3) intrinsics of the rectified camera, px.
        make_runner: where adjustments run.

    Attributes:
        window: the local map.
    """

    def __init__(self, config: OdometryConfig, K: Array, make_runner: Callable[[], Runner]) -> None:
        self._size = config.for_sensor().window_size
        self.window = LocalMap(self._size)
        self._K, self._radius_px = K, config.ransac_threshold_px
        self._noise = config.keypoint_noise_px / float(K[0, 0])
        # A single camera does not see its scale: two poses hold it.
        self._num_fixed = 2 if config.sensor == "mono" else 1
        self._make_runner = make_runner
        self._runner = make_runner()
        self._waiting: list[_Waiting] = []

    @property
    def num_waiting(self) -> int:
        """Keyframes that wait for an adjustment to end."""
        return len(self._waiting)

    def begin(self, view: View, measured: View) -> None:
        """Forget everything, even what is being adjusted, and start with one keyframe."""
        self._runner = self._make_runner()
        self._waiting.clear()
        self.window.begin(view, measured)

    def insert(self, matched: MatchedViews, measured: View) -> Array:
        """Add a keyframe (see LocalMap) and start to adjust the window; returns as `update`."""
        if self._size == 1:
            self.window.begin(matched.view1, measured)
            return np.eye(4)
        self._waiting.append(_Waiting(matched, measured))
        return self.update()

    def update(self) -> Array:
        """Take in what was adjusted, and go on with what waits.

        Returns:
            (4, 4) by which everything after the window has moved: left factor of T_world_view.
        """
        correction = np.eye(4)
        while not self._runner.is_busy:
            result = self._runner.take()
            if result is not None:
                correction = self._merge(result) @ correction
            if not self._waiting:
                break
            entry = self._waiting.pop(0)
            insert_keyframe(self.window, entry.matched, entry.measured, self._K, self._radius_px)
            if len(self.window.keyframes) > self._num_fixed:
                self._runner.start(self._problem())
        return correction

    def newest(self, view: View) -> View:
        """Return a view as the map has it now; itself if it is not in the map."""
        for entry in self._waiting:
            if entry.matched.view1.stamp_ns == view.stamp_ns:
                return entry.matched.view1
        keyframe = self.window.find(view)
        return view if keyframe is None else keyframe.view

    def _problem(self) -> BundleProblem:
        keyframes = self.window.keyframes
        owners, rows, landmarks = self.window.sightings()
        measured = [keyframe.measured for keyframe in keyframes]
        return BundleProblem(
            T_camera_world=np.stack([se3.inverse(k.view.pose) for k in keyframes]),
            is_fixed=np.arange(len(keyframes)) < self._num_fixed,
            points_world=self.window.points_world,
            keyframe=owners,
            landmark=landmarks,
            xy=gather([view.xy for view in measured], owners, rows),
            sigma=self._noise * gather([view.spread for view in measured], owners, rows),
            inverse_depth=gather([view.inverse_depth for view in measured], owners, rows),
            inverse_depth_sigma=gather([view.depth_sigma for view in measured], owners, rows),
        )

    def _merge(self, result: BundleResult) -> Array:
        """Take poses, landmarks and depths over; let go of wrong sightings."""
        keyframes = self.window.keyframes
        owners, rows, _ = self.window.sightings()
        T_world_before = keyframes[-1].view.pose
        self.window.points_world = result.points_world
        for keyframe, T_camera_world in zip(keyframes, result.T_camera_world, strict=True):
            keyframe.view = keyframe.view.at(se3.inverse(T_camera_world), keyframe.view.covariance)
        if len(keyframes) > self._num_fixed:
            # What came since the keyframe before, on top of its covariance.
            T_1_0, relative = result.relative_motion(len(keyframes) - 2, len(keyframes) - 1)
            covariance = se3.carry(T_1_0, keyframes[-2].view.covariance) + relative
            keyframes[-1].view = replace(keyframes[-1].view, covariance=covariance)
        is_good = result.reprojection_chi2 <= _MAX_CHI2  # False where not adjusted (NaN)
        pass_depths_on(self.window, result, self._noise, is_good)
        is_wrong = result.reprojection_chi2 > _MAX_CHI2
        for number, keyframe in enumerate(keyframes):
            keyframe.landmark[rows[(owners == number) & is_wrong]] = NONE
        correction = keyframes[-1].view.pose @ se3.inverse(T_world_before)
        for entry in self._waiting:
            moved = entry.matched.view1.moved(correction)
            entry.matched = entry.matched.with_views(entry.matched.view0, moved)
        return correction


def insert_keyframe(
    window: LocalMap, matched: MatchedViews, measured: View, K: Array, radius_px: float
) -> None:
    """Add a keyframe to a window; one whose reference is not in it begins a new one.

    It sees the landmarks of its pairs, and those of older keyframes that are found where the pose
    says that they are.

    Args:
        window: changes.
        matched: a view of the map and the new keyframe, whose pose was measured against it, with
            the pairs that support the pose.
        measured: the new keyframe as its image gave it.
        K: (3, 3) intrinsics of the rectified camera, px.
        radius_px: how far from its place a landmark is looked for.
    """
    reference = window.find(matched.view0)
    if reference is None:
        window.begin(matched.view1, measured)
        return
    keyframe = window.link(reference, matched.view1, measured, matched.pairs)
    numbers, owners, rows = window.newest_sightings()
    is_elsewhere = ~np.isin(numbers, keyframe.landmark)
    is_elsewhere &= np.isfinite(window.points_world[numbers]).all(axis=1)
    numbers, owners, rows = numbers[is_elsewhere], owners[is_elsewhere], rows[is_elsewhere]
    descriptors = [k.view.features.descriptors for k in window.keyframes]
    found = find_landmarks(
        window.points_world[numbers], descriptors, (owners, rows), matched, K, radius_px
    )
    window.append(keyframe, numbers[found[:, 0]], found[:, 1])
