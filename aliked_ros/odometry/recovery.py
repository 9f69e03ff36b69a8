"""After a loss: the last keyframes are looked for, for a while."""

from __future__ import annotations

from collections import deque

from aliked_ros.config import OdometryConfig
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.motion import estimate_motion
from aliked_ros.odometry.step import Measured
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Matches

_NUM_KNOWN = 5  # newest keyframes of the trajectory that are looked for
_NUM_IMAGES = 30  # for how many images


class Recovery:
    """Remembers the newest keyframes of the trajectory, and looks for them after a loss.

    Attributes:
        lost: keyframes of the trajectory that broke off, newest first; empty if none is looked
            for.
    """

    def __init__(self) -> None:
        self.lost: tuple[View, ...] = ()
        self._known: deque[View] = deque(maxlen=_NUM_KNOWN)
        self._num_images_left = 0

    def confirm(self, keyframe: View) -> None:
        """Note that an image was measured against a keyframe: it belongs to the trajectory."""
        if self._known and self._known[-1].stamp_ns == keyframe.stamp_ns:
            self._known.pop()
        self._known.append(keyframe)

    def lose(self) -> None:
        """Look for the keyframes of the trajectory from the next image on.

        Who gets lost again meanwhile still looks for the trajectory that broke off first.
        """
        if not self.lost:
            self.lost = tuple(reversed(self._known))
            self._num_images_left = _NUM_IMAGES
        self._known.clear()

    def search(
        self, view: View, matches: tuple[Matches | None, ...], K: Array, config: OdometryConfig
    ) -> Measured | None:
        """Return to the trajectory that broke off if an image clearly shows a keyframe of it.

        Args:
            view: the image.
            matches: its matches with each of the lost keyframes.
            K: (3, 3) intrinsics of the rectified camera, px.
            config: thresholds and noise.
        """
        if not self.lost or len(view.pixels) < config.min_inliers:
            return None
        for lost, found in zip(self.lost, matches, strict=True):
            matched = MatchedViews.of(lost, view, found)
            motion = estimate_motion(matched, K, config)
            # The camera may be anywhere: what is found must be beyond doubt.
            if motion is not None and motion.inlier_mask.sum() >= 2 * config.min_inliers:
                self.lost = ()
                self._known.clear()
                return Measured(matched, motion)
        self._num_images_left -= 1
        if self._num_images_left <= 0:
            self.lost = ()
        return None
