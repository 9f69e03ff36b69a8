"""The newest keyframes and the landmarks that they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.vectors import unproject
from aliked_ros.odometry.view import View
from aliked_ros.structs import AnyArray, Array, Index

NONE = -1  # the landmark of a keypoint that is none


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
        size: keyframes that it holds at most.

    Attributes:
        keyframes: oldest first.
        points_world: (L, 3) landmarks; NaN where the place is not known.
    """

    def __init__(self, size: int) -> None:
        self._size = size
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

    def sightings(self) -> tuple[Index, Index, Index]:
        """Return keyframe, keypoint and landmark (M,) of every sighting."""
        rows = [np.flatnonzero(keyframe.landmark != NONE) for keyframe in self.keyframes]
        owners = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
        index = np.concatenate(rows)
        return owners, index, gather([k.landmark for k in self.keyframes], owners, index)

    def newest_sightings(self) -> tuple[Index, Index, Index]:
        """Return each landmark's number, the newest keyframe that sees it, and its keypoint."""
        newest = np.full((len(self.points_world), 2), NONE)
        for number, keyframe in enumerate(self.keyframes):
            rows = np.flatnonzero(keyframe.landmark != NONE)
            newest[keyframe.landmark[rows]] = np.column_stack([np.full_like(rows, number), rows])
        numbers = np.flatnonzero(newest[:, 0] != NONE)
        return numbers, newest[numbers, 0], newest[numbers, 1]

    def link(self, reference: Keyframe, view: View, measured: View, pairs: Index) -> Keyframe:
        """Return a new keyframe, not in the map yet, that sees what its reference sees.

        Args:
            reference: a keyframe of the map.
            view: of the new one, with a pose.
            measured: the same as its image gave it.
            pairs: (K, 2) keypoints of the reference and of the view that show the same points;
                landmarks are made where there were none.
        """
        keyframe = Keyframe(view, measured, _no_landmarks(measured))
        index0, index1 = pairs.T
        is_new = reference.landmark[index0] == NONE
        first = len(self.points_world)
        reference.landmark[index0[is_new]] = np.arange(first, first + is_new.sum())
        points = place(keyframe.view, index1[is_new])
        elsewhere = place(reference.view, index0[is_new])
        points = np.where(np.isfinite(points), points, elsewhere)
        self.points_world = np.vstack([self.points_world, points])
        keyframe.landmark[index1] = reference.landmark[index0]
        return keyframe

    def append(self, keyframe: Keyframe, numbers: Index, keypoints: Index) -> None:
        """Add a keyframe, and let some of its keypoints see landmarks that it does not see yet.

        Args:
            keyframe: what `link` returned.
            numbers: (P,) landmarks.
            keypoints: (P,) keypoints of the keyframe that show them, too. Where one sees another
                landmark already, the two become one, unless a keyframe sees both.
        """
        other = keyframe.landmark[keypoints]
        is_free = other == NONE
        keyframe.landmark[keypoints[is_free]] = numbers[is_free]
        self._fuse(numbers[~is_free], other[~is_free], keyframe)
        self.keyframes.append(keyframe)
        self._drop_old()

    def _fuse(self, kept: Index, gone: Index, newest: Keyframe) -> None:
        """Make pairs of landmarks one each, unless a keyframe sees both."""
        seen = np.zeros((len(self.keyframes), len(self.points_world)), dtype=bool)
        for row, keyframe in zip(seen, self.keyframes, strict=True):
            row[keyframe.landmark[keyframe.landmark != NONE]] = True
        is_one = ~(seen[:, kept] & seen[:, gone]).any(axis=0)
        label = np.arange(len(self.points_world) + 1)
        label[-1] = NONE
        label[gone[is_one]] = kept[is_one]
        for keyframe in [*self.keyframes, newest]:
            keyframe.landmark = label[keyframe.landmark]

    def _drop_old(self) -> None:
        """Forget the oldest keyframes beyond the window, and landmarks that nobody sees."""
        if len(self.keyframes) <= self._size:
            return
        self.keyframes = self.keyframes[-self._size :]
        seen = np.unique(np.concatenate([k.landmark for k in self.keyframes]))
        seen = seen[seen != NONE]
        label = np.full(len(self.points_world) + 1, NONE)
        label[seen] = np.arange(len(seen))
        for keyframe in self.keyframes:
            keyframe.landmark = label[keyframe.landmark]
        self.points_world = self.points_world[seen]


def place(view: View, index: Index) -> Array:
    """Return where the keypoints at index (K,) are in the world (K, 3); NaN where unknown."""
    return se3.transform(view.pose, unproject(view.xy[index], view.inverse_depth[index]))


def _no_landmarks(view: View) -> Index:
    return np.full(len(view.keypoints), NONE)


def gather(tables: list[AnyArray], owners: Index, rows: Index) -> AnyArray:
    """Return tables[owner][row] for each pair."""
    starts = np.cumsum([0, *(len(table) for table in tables)])
    return np.concatenate(tables)[starts[owners] + rows]
