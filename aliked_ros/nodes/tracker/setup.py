"""What must be known before the features of an image can be tracked, and when it changes."""

from __future__ import annotations

from dataclasses import dataclass

from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.structs import Array, Camera

JUMP_BACK_NS = 1_000_000_000  # a recording that starts over, not an image out of order


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


def why_restart(before: Setup, now: Setup) -> str:
    """Return why an odometry does not hold for the next image, or an empty string."""
    if not now.has_cameras_of(before):
        return "the calibration has changed"
    if now.model != before.model:
        return f"features of {now.model[0]} follow those of {before.model[0]}"
    if now.stamp_ns < before.stamp_ns - JUMP_BACK_NS:
        return f"time has jumped back by {(before.stamp_ns - now.stamp_ns) * 1e-9:.1f} s"
    return ""
