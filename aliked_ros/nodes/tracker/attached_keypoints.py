"""Says that some keypoints move along with the camera, and what to do about them."""

from __future__ import annotations

from aliked_ros.nodes.base.diagnostics import Diagnostics

_MANY = 10  # in one image


class AttachedKeypoints:
    """Shows in diagnostics how many there are, and tells once what a mask would do.

    Args:
        diagnostics: says it.
    """

    def __init__(self, diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics
        self._num = 0
        self._is_told = False
        diagnostics.show("keypoints that move along with the camera", lambda: self._num)

    def note(self, num: int) -> None:
        """Take the number of the newest image."""
        self._num = num
        if num >= _MANY and not self._is_told:
            self._is_told = True
            self._diagnostics.inform(
                f"{num} keypoints move along with the camera (text in the image, dirt, the robot "
                "itself) and are left out: the extractor's parameter mask hides their places, so "
                "that the world gets all keypoints"
            )
