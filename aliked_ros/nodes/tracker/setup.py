"""What must be known before the features of an image can be tracked, and when it changes."""

from __future__ import annotations

from dataclasses import dataclass

from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.structs import Array, Camera

_NUM_AGREEING = 3  # images in a row that make another network believed


@dataclass(frozen=True, eq=False)
class Setup:
    """The cameras at one image, where they sit, and where the features come from.

    Attributes:
        header: of the image.
        camera: the (left) camera; the same object as long as the calibration does not change.
        camera_frame: optical frame of the (left) camera.
        T_base_camera: (4, 4) where it sits on the robot, metres.
        model: network variant of the features, and the length of their descriptors.
        right_camera: the right one of a stereo pair, likewise; None for other sensors.
    """

    header: Header
    camera: Camera
    camera_frame: str
    T_base_camera: Array
    model: tuple[str, int]
    right_camera: Camera | None = None

    @property
    def stamp_ns(self) -> int:
        """Of the image."""
        return stamp_to_ns(self.header.stamp)

    def has_cameras_of(self, other: Setup | None) -> bool:
        """Return whether the calibration is that of another image; False if there is none."""
        if other is None:
            return False
        return self.camera is other.camera and self.right_camera is other.right_camera


class Models:
    """Which network extracts: another one is believed when several images in a row say so.

    Two extractors on one topic, or one stray message, would else restart the odometry again and
    again.
    """

    def __init__(self) -> None:
        self._other: tuple[str, int] | None = None
        self._num_in_row = 0

    def check(self, before: Setup | None, now: Setup) -> None:
        """Raise ValueError as long as another network is not believed yet."""
        if before is None or now.model == before.model:
            self._other = None
            return
        self._num_in_row = self._num_in_row + 1 if now.model == self._other else 1
        self._other = now.model
        if self._num_in_row < _NUM_AGREEING:
            raise ValueError(
                f"its features are of {now.model[0]!r}, {now.model[1]} numbers each, those before "
                f"of {before.model[0]!r}, {before.model[1]}: believed only if {_NUM_AGREEING} in a "
                "row agree; check that one extractor alone publishes features"
            )


def why_restart(before: Setup, now: Setup) -> str:
    """Return why an odometry does not hold for the next image, or an empty string."""
    if not now.has_cameras_of(before):
        return f"the calibration has changed{_change(before.camera, now.camera)}"
    if now.model != before.model:
        return f"features of {now.model[0]} follow those of {before.model[0]}"
    return ""


def _change(before: Camera, now: Camera) -> str:
    """Return what has changed most plainly, in brackets."""
    if (before.width, before.height) != (now.width, now.height):
        return f" (images of {now.width}x{now.height} after {before.width}x{before.height})"
    old, new = before.K_rectified[0, 0], now.K_rectified[0, 0]
    return f" (focal length {new:.2f} px after {old:.2f})" if abs(old - new) > 0.005 else ""
