"""State, rate, inliers and reason as a text that hangs above the base, for rviz and Foxglove."""

from __future__ import annotations

import textwrap
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from geometry_msgs.msg import Point
from rclpy.node import Node
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from aliked_ros.msg import OdometryStatus
from aliked_ros.nodes.base.causes import printable
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.nodes.base.states import STATE_NAMES
from aliked_ros.nodes.tracker.status import Outcome
from aliked_ros.structs import Array

# As the page in the browser has them.
COLOURS = {
    OdometryStatus.TRACKING: (0.24, 0.86, 0.51),
    OdometryStatus.PREDICTED: (0.98, 0.75, 0.24),
    OdometryStatus.INITIALISING: (0.27, 0.63, 1.0),
    OdometryStatus.LOST: (0.92, 0.31, 0.27),
    OdometryStatus.UNUSABLE: (0.8, 0.3, 0.6),
    OdometryStatus.PAUSED: (0.7, 0.7, 0.7),
}
_WIDTH = 48  # characters of a line of the reason
_WINDOW = 30  # images over which the rate is measured


class StateText:
    """Publishes `state_text` for every image, if somebody listens.

    Args:
        node: publishes.
        odom_frame: of the text.
        size_m: of a drawn camera; the text is a third as high, and as far above the base.
        now_s: the time, seconds.
    """

    def __init__(
        self,
        node: Node,
        odom_frame: str,
        size_m: float,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._odom_frame, self._size_m, self._now_s = odom_frame, size_m, now_s
        self._publisher = node.create_publisher(MarkerArray, "state_text", RESULT_QOS)
        self._times_s: deque[float] = deque(maxlen=_WINDOW)
        self._position = np.zeros(3)

    def publish(self, outcome: Outcome, T_odom_base: Array | None = None) -> None:
        """Show what became of an image.

        Args:
            outcome: of the image.
            T_odom_base: (4, 4) where the base is, metres; None: where it was.
        """
        self._times_s.append(self._now_s())
        if T_odom_base is not None:
            self._position = T_odom_base[:3, 3]
        if not self._publisher.get_subscription_count():
            return
        x, y, z = self._position.tolist()
        red, green, blue = COLOURS[outcome.state]
        marker = Marker(
            header=Header(stamp=outcome.header.stamp, frame_id=self._odom_frame),
            ns="state",
            type=Marker.TEXT_VIEW_FACING,
            action=Marker.ADD,
            text=state_text(outcome, self._rate_hz()),
            color=ColorRGBA(r=red, g=green, b=blue, a=1.0),
        )
        marker.pose.position = Point(x=x, y=y, z=z + 2 * self._size_m)
        marker.scale.z = self._size_m / 3
        self._publisher.publish(MarkerArray(markers=[marker]))

    def _rate_hz(self) -> float:
        """Return images per second; 0 before the second."""
        times_s = list(self._times_s)
        spent_s = times_s[-1] - times_s[0]
        return (len(times_s) - 1) / spent_s if spent_s > 0 else 0.0


def state_text(outcome: Outcome, rate_hz: float) -> str:
    """Return state, rate and inliers in a line, and the reason in further ones."""
    words = [STATE_NAMES[outcome.state], f"{rate_hz:.1f} Hz"]
    if outcome.result is not None:
        words.append(f"{outcome.result.num_inliers} of {outcome.result.num_keypoints} inliers")
    reason = textwrap.wrap(printable(outcome.explanation), _WIDTH)
    return "\n".join(["   ".join(words), *reason])
