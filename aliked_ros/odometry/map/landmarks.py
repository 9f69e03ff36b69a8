"""The landmarks of a map: where they are, how well that is known, what they look like."""

from __future__ import annotations

import numpy as np

from aliked_ros.structs import AnyArray, Array, Floats, Index, Mask

NONE = -1  # the landmark of a keypoint that shows none
_FIRST_CAPACITY = 1024


class Landmarks:
    """A growing table; a row's position is the landmark's number.

    The columns may be written to; the covariances are those for keyframes that stay where they are,
    descriptors and directions those of the newest keyframe, rows that are not alive wait for
    `compact`.

    Args:
        dimension: D of the descriptors.
    """

    def __init__(self, dimension: int) -> None:
        self._size = 0
        self._table = np.zeros(
            _FIRST_CAPACITY,
            dtype=[
                ("points_world", np.float64, 3),
                ("covariance", np.float64, (3, 3)),
                ("descriptors", np.float32, dimension),
                ("direction", np.float64, 3),
                ("born", np.int64),
                ("num_expected", np.int64),
                ("num_found", np.int64),
                ("is_alive", np.bool_),
            ],
        )

    def __len__(self) -> int:
        return self._size

    def _column(self, name: str) -> AnyArray:
        column: AnyArray = self._table[name][: self._size]
        return column

    @property
    def points_world(self) -> Array:
        """(L, 3)."""
        return self._column("points_world")

    @property
    def covariance(self) -> Array:
        """(L, 3, 3) of the points."""
        return self._column("covariance")

    @property
    def descriptors(self) -> Floats:
        """(L, D) unit rows."""
        return self._column("descriptors")

    @property
    def direction(self) -> Array:
        """(L, 3) unit, from which they were seen."""
        return self._column("direction")

    @property
    def born(self) -> Index:
        """(L,) keyframe that made each."""
        return self._column("born")

    @property
    def num_expected(self) -> Index:
        """(L,) images that should have shown each."""
        return self._column("num_expected")

    @property
    def num_found(self) -> Index:
        """(L,) images that did."""
        return self._column("num_found")

    @property
    def is_alive(self) -> Mask:
        """(L,) bool."""
        return self._column("is_alive")

    def add(
        self,
        points_world: Array,
        covariance: Array,
        descriptors: Floats,
        direction: Array,
        born: int,
    ) -> Index:
        """Append M landmarks and return their numbers (M,)."""
        first, last = self._size, self._size + len(points_world)
        if last > len(self._table):
            grown = np.zeros(max(last, 2 * len(self._table)), self._table.dtype)
            grown[:first] = self._table[:first]
            self._table = grown
        self._size = last
        rows = self._table[first:last]
        rows["points_world"], rows["covariance"] = points_world, covariance
        rows["descriptors"], rows["direction"] = descriptors, direction
        rows["born"], rows["num_expected"], rows["num_found"] = born, 1, 1
        rows["is_alive"] = True
        return np.arange(first, last)

    def compact(self) -> Index:
        """Remove the rows that are not alive.

        Returns:
            (L + 1,) the new number of each row, NONE for those that are gone; indexing it with
            NONE gives NONE.
        """
        kept = np.flatnonzero(self.is_alive)
        label = np.full(self._size + 1, NONE)
        label[kept] = np.arange(len(kept))
        self._table[: len(kept)] = self._table[kept]
        self._size = len(kept)
        return label
