"""Bundle adjustment of the local map: what goes in, what comes back, and beside which frames."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult
from aliked_ros.odometry.local_map import NONE, LocalMap, gather, pose_of
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index

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


class AtOnce:
    """Adjusts in `start`: frames wait, and a run repeats exactly."""

    is_busy = False

    def __init__(self) -> None:
        self._result: BundleResult | None = None

    def start(self, problem: BundleProblem) -> None:
        """Adjust."""
        self._result = adjust_bundle(problem)

    def take(self) -> BundleResult | None:
        """Return the result, once."""
        result, self._result = self._result, None
        return result


class InBackground:
    """Adjusts on a thread of its own: no frame waits."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bundle_adjustment")
        self._future: Future[BundleResult] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the thread is at work."""
        return self._future is not None and not self._future.done()

    def start(self, problem: BundleProblem) -> None:
        """Hand a problem to the thread."""
        self._future = self._thread.submit(adjust_bundle, problem)

    def take(self) -> BundleResult | None:
        """Return the result, once, when it is there."""
        if self._future is None or not self._future.done():
            return None
        future, self._future = self._future, None
        return future.result()


@dataclass
class _Waiting:
    """A keyframe that came while the window was being adjusted."""

    view: View
    measured: View
    reference: View
    pairs: Index


class AdjustedMap:
    """A local map that is adjusted whenever it gets a keyframe.

    Args:
        config: size of the window, noise.
        K: (3, 3) intrinsics of the rectified camera, px.
        make_runner: where adjustments run.

    Attributes:
        map: the window.
    """

    def __init__(
        self, config: OdometryConfig, K: Array, make_runner: Callable[[], Runner] = AtOnce
    ) -> None:
        self._size = config.window_size
        self.map = LocalMap(self._size, K, config.ransac_threshold_px)
        self._noise = config.keypoint_noise_px / float(K[0, 0])
        # A single camera does not see its scale: two poses hold it.
        self._num_fixed = 2 if config.sensor == "mono" else 1
        self._make_runner = make_runner
        self._runner = make_runner()
        self._waiting: list[_Waiting] = []

    def begin(self, view: View, measured: View) -> None:
        """Forget everything, even what is being adjusted, and start with one keyframe."""
        self._runner = self._make_runner()
        self._waiting.clear()
        self.map.begin(view, measured)

    def insert(self, view: View, measured: View, reference: View, pairs: Index) -> Array:
        """Add a keyframe (see LocalMap) and start to adjust the window; returns as `update`."""
        if self._size == 1:
            self.map.begin(view, measured)
            return np.eye(4)
        self._waiting.append(_Waiting(view, measured, reference, pairs))
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
            self.map.insert(entry.view, entry.measured, entry.reference, entry.pairs)
            if len(self.map.keyframes) > self._num_fixed:
                self._runner.start(self._problem())
        return correction

    def newest(self, view: View) -> View:
        """Return a view as the map has it now; itself if it is not in the map."""
        for entry in self._waiting:
            if entry.view.stamp_ns == view.stamp_ns:
                return entry.view
        keyframe = self.map.find(view)
        return view if keyframe is None else keyframe.view

    def _problem(self) -> BundleProblem:
        keyframes = self.map.keyframes
        owners, rows, landmarks = self.map.sightings()
        measured = [keyframe.measured for keyframe in keyframes]
        return BundleProblem(
            T_camera_world=np.stack([se3.inverse(pose_of(k.view)) for k in keyframes]),
            is_fixed=np.arange(len(keyframes)) < self._num_fixed,
            points_world=self.map.points_world,
            keyframe=owners,
            landmark=landmarks,
            xy=gather([view.xy for view in measured], owners, rows),
            sigma=self._noise * gather([view.spread for view in measured], owners, rows),
            inverse_depth=gather([view.inverse_depth for view in measured], owners, rows),
            inverse_depth_sigma=gather([view.depth_sigma for view in measured], owners, rows),
        )

    def _merge(self, result: BundleResult) -> Array:
        """Take poses, landmarks and depths over; let go of wrong sightings."""
        keyframes = self.map.keyframes
        owners, rows, landmarks = self.map.sightings()
        before = pose_of(keyframes[-1].view)
        self.map.points_world = result.points_world
        for number, keyframe in enumerate(keyframes):
            pose = se3.inverse(result.T_camera_world[number])
            keyframe.view = keyframe.view.at(pose, keyframe.view.covariance)
        if len(keyframes) > self._num_fixed:
            # What came since the keyframe before, on top of its covariance.
            T, relative = result.relative_motion(len(keyframes) - 2, len(keyframes) - 1)
            adjoint = se3.adjoint(T)
            covariance = adjoint @ keyframes[-2].view.covariance @ adjoint.T + relative
            newest = keyframes[-1].view
            keyframes[-1].view = newest.at(pose_of(newest), covariance)
        sigma = gather([k.measured.depth_sigma for k in keyframes], owners, rows)
        is_good = result.reprojection_chi2 <= _MAX_CHI2  # False where not adjusted (NaN)
        noise = self._noise * gather([k.measured.spread for k in keyframes], owners, rows)
        information = _information(result, owners, landmarks, noise, sigma)
        information[~is_good] = 0
        self._pass_depths_on(result, landmarks, information)
        for number, keyframe in enumerate(keyframes):
            is_wrong = (owners == number) & (result.reprojection_chi2 > _MAX_CHI2)
            keyframe.landmark[rows[is_wrong]] = NONE
        correction = pose_of(keyframes[-1].view) @ se3.inverse(before)
        for entry in self._waiting:
            entry.view = entry.view.at(correction @ pose_of(entry.view), entry.view.covariance)
        return np.asarray(correction)

    def _pass_depths_on(self, result: BundleResult, landmarks: Index, information: Array) -> None:
        """Give the newest keyframe the depths of its landmarks."""
        total = np.zeros((len(result.points_world), 3, 3))
        np.add.at(total, landmarks, information)
        newest, T = self.map.keyframes[-1], result.T_camera_world[-1]
        index = np.flatnonzero(newest.landmark != NONE)
        z = result.points_world[newest.landmark[index]] @ T[2, :3] + T[2, 3]
        known = result.is_used[newest.landmark[index]] & (z > 0)
        index, z = index[known], z[known]
        hessian = total[newest.landmark[index]]
        floor = 1e-9 * np.trace(hessian, axis1=1, axis2=2) + 1e-12
        covariance = np.linalg.inv(hessian + floor[:, None, None] * np.eye(3))
        by_point = -T[2, :3] / z[:, None] ** 2  # of the inverse depth
        variance = np.einsum("ni,nij,nj->n", by_point, covariance, by_point)
        inverse_depth, sigma = (
            newest.view.inverse_depth.copy(),
            newest.view.depth_sigma.copy(),
        )
        inverse_depth[index], sigma[index] = 1 / z, np.sqrt(variance)
        newest.view = newest.view.with_depth(inverse_depth, sigma)


def _information(
    result: BundleResult, owners: Index, landmarks: Index, noise: Array, depth_sigma: Array
) -> Array:
    """Return what each sighting says about its landmark: (M, 3, 3), poses held still."""
    T = result.T_camera_world[owners]
    points = np.einsum("mij,mj->mi", T[:, :3, :3], result.points_world[landmarks]) + T[:, :3, 3]
    z = np.maximum(points[:, 2], 1e-6)
    by_camera = np.zeros((len(points), 3, 3))
    by_camera[:, 0, 0] = by_camera[:, 1, 1] = 1 / z / noise
    by_camera[:, :2, 2] = -points[:, :2] / z[:, None] ** 2 / noise[:, None]
    by_camera[:, 2, 2] = -1 / z**2 / depth_sigma
    by_point: Array = by_camera @ T[:, :3, :3]
    return by_point.transpose(0, 2, 1) @ by_point
