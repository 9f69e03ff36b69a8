"""A single camera's new map is believed once the next images show it; else it is withdrawn."""

from __future__ import annotations

from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.local_map import LocalMap

_NUM_IMAGES = 2  # that must confirm it
_SHARE, _ENOUGH = 0.5, 50  # landmarks of the first map that each must show, or so many
WAITING = "the next images are to confirm the first map"


class Trial:
    """Two views and some between them can agree on a motion that is not true.

    Attributes:
        median_depth: that the camera had before the map began.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Note that no map is on trial."""
        self._num_left, self._num_first, self.median_depth = 0, 0, 1.0

    def start(self, local_map: LocalMap, median_depth: float) -> None:
        """Put a map on trial that began with its newest keyframe."""
        self._num_left, self._num_first = _NUM_IMAGES, len(local_map.newest.linked)
        self.median_depth = median_depth

    @property
    def is_open(self) -> bool:
        """Whether images are still to confirm a map."""
        return self._num_left > 0

    def judge(self, located: Located | None) -> str:
        """Take the next image, or None if it shows nothing; return why the map is wrong, or ""."""
        if not self.is_open:
            return ""
        num = 0 if located is None else len(located)
        if num < min(_ENOUGH, _SHARE * self._num_first):
            return (
                f"the first map is withdrawn: the next image shows {num} of its "
                f"{self._num_first} landmarks where they should be"
            )
        self._num_left -= 1
        return ""
