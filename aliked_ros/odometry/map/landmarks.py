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
        # Each column is contiguous: kernels take them whole.
        self._columns: dict[str, AnyArray] = {
            "points_world": np.zeros((_FIRST_CAPACITY, 3)),
            "covariance": np.zeros((_FIRST_CAPACITY, 3, 3)),
            "descriptors": np.zeros((_FIRST_CAPACITY, dimension), np.float32),
            "direction": np.zeros((_FIRST_CAPACITY, 3)),
            "born": np.zeros(_FIRST_CAPACITY, np.int64),
            "num_expected": np.zeros(_FIRST_CAPACITY, np.int64),
            "num_found": np.zeros(_FIRST_CAPACITY, np.int64),
            "is_alive": np.zeros(_FIRST_CAPACITY, np.bool_),
        }

    def __len__(self) -> int:
        return self._size

    def _column(self, name: str) -> AnyArray:
        return self._columns[name][: self._size]

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
        if last > len(self._columns["born"]):
            self._grow(last)
        self._size = last
        given = {
            "points_world": points_world, "covariance": covariance, "descriptors": descriptors,
            "direction": direction, "born": born, "num_expected": 1, "num_found": 1,
            "is_alive": True,
        }  # fmt: skip
        for name, values in given.items():
            self._columns[name][first:last] = values
        return np.arange(first, last)

    def _grow(self, size: int) -> None:
        """Make room for so many rows, and as many again as there are."""
        for name, column in self._columns.items():
            grown = np.zeros((max(size, 2 * len(column)), *column.shape[1:]), column.dtype)
            grown[: len(column)] = column
            self._columns[name] = grown

    def compact(self) -> Index:
        """Remove the rows that are not alive.

        Returns:
            (L + 1,) the new number of each row, NONE for those that are gone; indexing it with
            NONE gives NONE.
        """
        kept = np.flatnonzero(self.is_alive)
        label = np.full(self._size + 1, NONE)
        label[kept] = np.arange(len(kept))
        for column in self._columns.values():
            column[: len(kept)] = column[kept]
        self._size = len(kept)
        return label
