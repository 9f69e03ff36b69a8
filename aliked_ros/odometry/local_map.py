"""The newest keyframes and the landmarks that they share, adjusted together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle_adjustment import adjust_bundle
from aliked_ros.geometry.bundle_problem import BundleProblem, BundleResult
from aliked_ros.geometry.triangulation import homogeneous
from aliked_ros.odometry.landmark_search import find_landmarks
from aliked_ros.odometry.view import View

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_NONE = -1  # the landmark of a keypoint that is none
_MAX_CHI2 = 13.8  # of a reprojection: one true observation in a thousand is worse


@dataclass
class Keyframe:
    """A view that others are measured against.

    Attributes:
        view: with its pose and all that is known about depths.
        measured: the view as its image gave it: only the depths that the sensor measured.
        landmark: (N,) int64, number of the landmark that each keypoint sees; -1 for none.
    """

    view: View
    measured: View
    landmark: Index


class LocalMap:
    """A window of keyframes.

    Args:
        config: size of the window, noise.
        K: (3, 3) intrinsics of the rectified camera, px.

    Attributes:
        keyframes: oldest first.
        points_world: (L, 3) landmarks; NaN where the place is not known.
    """

    def __init__(self, config: OdometryConfig, K: Array) -> None:
        self._config = config
        self._size = config.mono_window_size if config.sensor == "mono" else config.window_size
        self._K = K
        self.keyframes: list[Keyframe] = []
        self.points_world = np.zeros((0, 3))

    def begin(self, view: View, measured: View) -> None:
        """Forget everything and start with one keyframe."""
        self.points_world = np.zeros((0, 3))
        self.keyframes = [Keyframe(view, measured, _no_landmarks(view))]

    def find(self, view: View | None) -> Keyframe | None:
        """Return the keyframe that a view became, or None."""
        if view is None:
            return None
        return next((k for k in self.keyframes if k.view.stamp_ns == view.stamp_ns), None)

    def insert(self, view: View, measured: View, reference: View, pairs: Index) -> View:
        """Add a keyframe and adjust the window.

        Args:
            view: with a pose.
            measured: the same as its image gave it.
            reference: a view of the map that the pose was measured against.
            pairs: (K, 2) int64, keypoints of the reference and of the view that support it.

        Returns:
            The view as the window sees it.
        """
        if self._size == 1:
            return view
        seen_from = self.find(reference)
        if seen_from is None:
            self.begin(view, measured)
            return view
        keyframe = Keyframe(view, measured, _no_landmarks(view))
        self._link(seen_from, keyframe, pairs)
        self._search(keyframe, pairs, seen_from)
        self.keyframes.append(keyframe)
        self._drop_old()
        if len(self.keyframes) > self._num_fixed:
            self._adjust()
        return self.keyframes[-1].view

    @property
    def _num_fixed(self) -> int:
        # A single camera does not see its scale: two poses hold it.
        return 2 if self._config.sensor == "mono" else 1

    def _link(self, reference: Keyframe, keyframe: Keyframe, pairs: Index) -> None:
        """Let matched keypoints see the same landmark, a new one where there was none."""
        index0, index1 = pairs.T
        is_new = reference.landmark[index0] == _NONE
        first = len(self.points_world)
        reference.landmark[index0[is_new]] = np.arange(first, first + is_new.sum())
        points = place(keyframe.view, index1[is_new])
        elsewhere = place(reference.view, index0[is_new])
        points = np.where(np.isfinite(points), points, elsewhere)
        self.points_world = np.vstack([self.points_world, points])
        keyframe.landmark[index1] = reference.landmark[index0]

    def _search(self, keyframe: Keyframe, pairs: Index, reference: Keyframe) -> None:
        """Look for landmarks of older keyframes where the pose says that they are."""
        numbers, owners, rows = self._newest_sightings()
        is_elsewhere = ~np.isin(numbers, keyframe.landmark)
        is_elsewhere &= np.isfinite(self.points_world[numbers]).all(axis=1)
        numbers, owners, rows = numbers[is_elsewhere], owners[is_elsewhere], rows[is_elsewhere]
        found = find_landmarks(
            keyframe.view,
            self.points_world[numbers],
            [
                self.keyframes[owner].view.features.descriptors
                for owner in range(len(self.keyframes))
            ],
            owners,
            rows,
            (reference.view.features.descriptors, pairs),
            self._K,
            self._config.ransac_threshold_px,
        )
        numbers, keypoints = numbers[found[:, 0]], found[:, 1]
        other = keyframe.landmark[keypoints]
        is_free = other == _NONE
        keyframe.landmark[keypoints[is_free]] = numbers[is_free]
        self._fuse(numbers[~is_free], other[~is_free], keyframe)

    def _fuse(self, kept: Index, gone: Index, newest: Keyframe) -> None:
        """Make pairs of landmarks one each, unless a keyframe sees both."""
        seen = np.zeros((len(self.keyframes), len(self.points_world)), dtype=bool)
        for row, keyframe in zip(seen, self.keyframes, strict=True):
            row[keyframe.landmark[keyframe.landmark != _NONE]] = True
        is_one = ~(seen[:, kept] & seen[:, gone]).any(axis=0)
        label = np.arange(len(self.points_world) + 1)
        label[-1] = _NONE
        label[gone[is_one]] = kept[is_one]
        for keyframe in [*self.keyframes, newest]:
            keyframe.landmark = label[keyframe.landmark]

    def _newest_sightings(self) -> tuple[Index, Index, Index]:
        """Return each landmark's number, the newest keyframe that sees it, and its keypoint."""
        newest = np.full((len(self.points_world), 2), _NONE)
        for number, keyframe in enumerate(self.keyframes):
            rows = np.flatnonzero(keyframe.landmark != _NONE)
            newest[keyframe.landmark[rows]] = np.column_stack([np.full_like(rows, number), rows])
        numbers = np.flatnonzero(newest[:, 0] != _NONE)
        return numbers, newest[numbers, 0], newest[numbers, 1]

    def _drop_old(self) -> None:
        """Forget the oldest keyframes beyond the window, and landmarks that nobody sees."""
        if len(self.keyframes) <= self._size:
            return
        self.keyframes = self.keyframes[-self._size :]
        seen = np.unique(np.concatenate([k.landmark for k in self.keyframes]))
        seen = seen[seen != _NONE]
        label = np.full(len(self.points_world) + 1, _NONE)
        label[seen] = np.arange(len(seen))
        for keyframe in self.keyframes:
            keyframe.landmark = label[keyframe.landmark]
        self.points_world = self.points_world[seen]

    def _adjust(self) -> None:
        """Adjust poses and landmarks, let go of wrong observations, and pass on what is better."""
        owners, rows = self._observations()
        result = adjust_bundle(self._problem(owners, rows))
        numbers = self._landmarks(owners, rows)
        self.points_world = result.points_world
        is_wrong = result.reprojection_chi2 > _MAX_CHI2
        for number, keyframe in enumerate(self.keyframes):
            pose = se3.inverse(result.T_camera_world[number])
            keyframe.view = keyframe.view.at(pose, self._covariance(result, number))
            keyframe.landmark[rows[is_wrong & (owners == number)]] = _NONE
        self._pass_depths_on(result, owners, rows, numbers)

    def _observations(self) -> tuple[Index, Index]:
        """Return the keyframe and the keypoint of every sighting of a landmark."""
        rows = [np.flatnonzero(keyframe.landmark != _NONE) for keyframe in self.keyframes]
        owners = [np.full_like(some, number) for number, some in enumerate(rows)]
        return np.concatenate(owners), np.concatenate(rows)

    def _landmarks(self, owners: Index, rows: Index) -> Index:
        table = [keyframe.landmark for keyframe in self.keyframes]
        return _gather(table, owners, rows)

    def _problem(self, owners: Index, rows: Index) -> BundleProblem:
        keyframes = self.keyframes
        noise = self._config.keypoint_noise_px / self._K[0, 0]
        poses = np.stack([se3.inverse(_pose(keyframe.view)) for keyframe in keyframes])
        return BundleProblem(
            T_camera_world=poses,
            is_fixed=np.arange(len(keyframes)) < self._num_fixed,
            points_world=self.points_world,
            keyframe=owners,
            landmark=self._landmarks(owners, rows),
            normalised=_gather([k.measured.normalised for k in keyframes], owners, rows),
            sigma=np.full(len(rows), noise),
            inverse_depth=_gather([k.measured.inverse_depth for k in keyframes], owners, rows),
            inverse_depth_sigma=_gather([k.measured.sigma for k in keyframes], owners, rows),
        )

    def _covariance(self, result: BundleResult, number: int) -> Array:
        """Return the covariance of a pose: that of the keyframe before, and of the motion since."""
        covariance = self.keyframes[number].view.covariance
        if number < self._num_fixed or number < len(self.keyframes) - 1:
            return covariance
        before = self.keyframes[number - 1].view.covariance
        T, relative = result.relative_motion(number - 1, number)
        adjoint = se3.adjoint(T)
        return np.asarray(adjoint @ before @ adjoint.T + relative)

    def _pass_depths_on(
        self, result: BundleResult, owners: Index, rows: Index, numbers: Index
    ) -> None:
        """Give the newest keyframe the depths of its landmarks."""
        newest = self.keyframes[-1]
        index = np.flatnonzero(newest.landmark != _NONE)
        numbers_here = newest.landmark[index]
        used = result.is_used[numbers_here]
        index, numbers_here = index[used], numbers_here[used]
        T = result.T_camera_world
        noise = self._config.keypoint_noise_px / self._K[0, 0]
        information = _information(
            T[owners],
            self.points_world[numbers],
            noise,
            _gather([k.measured.sigma for k in self.keyframes], owners, rows),
        )  # (M, 3, 3)
        chi2 = result.reprojection_chi2
        good = np.isfinite(chi2) & (chi2 <= _MAX_CHI2)
        total = np.zeros((len(self.points_world), 3, 3))
        np.add.at(total, numbers[good], information[good])
        camera = self.points_world[numbers_here] @ T[-1, :3, :3].T + T[-1, :3, 3]
        in_front = camera[:, 2] > 0
        index, numbers_here, camera = index[in_front], numbers_here[in_front], camera[in_front]
        hessian = total[numbers_here]
        scale = np.trace(hessian, axis1=1, axis2=2)[:, None, None]
        covariance = np.linalg.inv(hessian + 1e-9 * scale * np.eye(3))
        by_point = -T[-1, 2, :3] / camera[:, 2:] ** 2
        variance = np.einsum("ni,nij,nj->n", by_point, covariance, by_point)
        inverse_depth, sigma = newest.view.inverse_depth.copy(), newest.view.sigma.copy()
        inverse_depth[index] = 1 / camera[:, 2]
        sigma[index] = np.sqrt(variance)
        newest.view = newest.view.with_depth(inverse_depth, sigma)


def place(view: View, index: Index) -> Array:
    """Return where the keypoints at index (K,) are in the world (K, 3); NaN where unknown."""
    points = homogeneous(view.normalised[index]) / view.inverse_depth[index, None]
    T = _pose(view)
    return np.asarray(points @ T[:3, :3].T + T[:3, 3])


def _pose(view: View) -> Array:
    assert view.T_world_view is not None
    return view.T_world_view


def _no_landmarks(view: View) -> Index:
    return np.full(len(view.keypoints), _NONE)


def _gather(tables: list[NDArray[Any]], owners: Index, rows: Index) -> NDArray[Any]:
    """Return tables[owner][row] for each pair."""
    starts = np.cumsum([0, *(len(table) for table in tables)])
    return np.asarray(np.concatenate(tables)[starts[owners] + rows])


def _information(T: Array, points: Array, noise: float, depth_sigma: Array) -> Array:
    """Return what each observation says about its landmark: (M, 3, 3), poses held still."""
    camera = np.einsum("mij,mj->mi", T[:, :3, :3], points) + T[:, :3, 3]
    z = np.maximum(camera[:, 2], 1e-6)
    by_camera = np.zeros((len(points), 3, 3))
    by_camera[:, 0, 0] = by_camera[:, 1, 1] = 1 / z / noise
    by_camera[:, 0, 2] = -camera[:, 0] / z**2 / noise
    by_camera[:, 1, 2] = -camera[:, 1] / z**2 / noise
    by_camera[:, 2, 2] = -1 / z**2 / depth_sigma
    by_point = by_camera @ T[:, :3, :3]
    return np.asarray(np.swapaxes(by_point, 1, 2) @ by_point)
