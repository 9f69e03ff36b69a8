"""After a loss: the map that broke off is kept, and looked for in the next images."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.odometry.attempts import Attempt
from aliked_ros.odometry.localiser import Localiser
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.finding import find_by_descriptor
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.view import View

_TIMES_INLIERS = 2
_NUM_PER_IMAGE = 2  # keyframes that one image is compared with: the time is bounded
_NUM_EAGER, _PAUSE = 30, 5  # images that are compared; afterwards one of so many is


@dataclass(frozen=True, eq=False)
class Recognised:
    """A place of the lost map.

    Attributes:
        local_map: the map; its reference is the keyframe that shows the place.
        located: the view in it.
    """

    local_map: LocalMap
    located: Located


class Recovery:
    """Remembers the map that broke off; of two, the one with more keyframes."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Look for nothing."""
        self._lost: LocalMap | None = None
        self._num_images = 0
        self._next = 0

    def lose(self, local_map: LocalMap) -> None:
        """Look for a map from the next image on."""
        if self._lost is None or len(local_map) > len(self._lost):
            self._lost = local_map
        self._num_images = self._next = 0

    def recognise(self, view: View, localiser: Localiser, min_inliers: int) -> Recognised | None:
        """Return where in the lost map a view is, if it clearly shows a place of it.

        Keyframes are compared in turn, the newest first. The camera may be anywhere, so what is
        found must be beyond doubt: twice as many inliers as usual.

        Args:
            view: the image.
            localiser: finds its pose.
            min_inliers: landmarks that must agree on a pose elsewhere.
        """
        needed = _TIMES_INLIERS * min_inliers
        lost = self._lost
        if lost is None or len(view) < needed:
            return None
        self._num_images += 1
        if self._num_images > _NUM_EAGER and self._num_images % _PAUSE:
            return None
        for _ in range(min(_NUM_PER_IMAGE, len(lost))):
            reference = lost.keyframes[-1 - self._next % len(lost)]
            self._next += 1
            numbers = reference.numbers[lost.landmarks.is_alive[reference.numbers]]
            attempt = Attempt(find_by_descriptor(lost.landmarks, numbers, view))
            located = localiser.try_in_turn([attempt], view, lost, min_inliers=needed)
            if located is not None:
                self.forget()
                lost.reference = reference
                return Recognised(lost, located)
        return None
