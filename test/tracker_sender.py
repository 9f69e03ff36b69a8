"""Starts the tracker alone, and sends it what a camera in a world of points sees."""

import numpy as np
from aliked_ros.msg import Features, OdometryStatus
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from point_world import CAMERA
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.cameras import camera_to_message, image_to_message
from aliked_ros.nodes.base.conversions.features import features_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp

FRAME_NS = 100_000_000
HEARD = {"odometry": Odometry, "/diagnostics": DiagnosticArray}


def start_tracker(processes, probe, sensor="rgbd", topics=None, **parameters):
    """Start the tracker, listen to what it says, and return who sends it images.

    Args:
        processes: fixture.
        probe: fixture; hears HEARD, the status and more.
        sensor: what measures depth.
        topics: what else is heard, topic -> type of message.
        parameters: of the tracker, beside those that all tests need.
    """
    # The status is sent, and heard here, behind everything else of a frame.
    for topic, message_type in (HEARD | (topics or {}) | {"status": OdometryStatus}).items():
        probe.listen(message_type, topic)
    processes.start(
        "tracker_node",
        odometry__sensor=sensor,
        camera_transform="optical",
        matcher__min_similarity=0.9,
        **parameters,
    )
    sender = Sender(probe, with_depth=sensor == "rgbd")
    sender.wait()
    return sender


class Sender:
    """Publishes what a camera sees, and waits for the status of each frame.

    Args:
        probe: hears what start_tracker lets it hear.
        with_depth: whether a depth image goes with each frame.

    Attributes:
        info: the calibration that goes with each frame; None: none.
        statuses: what the tracker has answered.
    """

    def __init__(self, probe, with_depth: bool = True) -> None:
        self._probe = probe
        self._features = probe.publisher(Features, "features")
        self._info = probe.publisher(CameraInfo, "camera_info")
        self._depth = probe.publisher(Image, "depth/image_raw") if with_depth else None
        self.info = camera_to_message(CAMERA, Header())
        self.statuses = probe.heard["status"]

    def wait(self) -> None:
        """Wait until the tracker hears us, and we hear it."""
        sent = [self._features, self._info] + [self._depth] * (self._depth is not None)
        self._probe.wait_for_subscribers(*sent)
        self._probe.wait_for_publishers()
        self._probe.wait_until(lambda: self._probe.heard["/diagnostics"], "diagnostics")

    def send(self, sighting, index, model="test", descriptor_type="float32", depth_offset_ns=0):
        """Send a frame and return its status."""
        features, depths_m = sighting
        header = Header(stamp=ns_to_stamp(10**9 + index * FRAME_NS), frame_id="camera")
        if self.info is not None:
            self._info.publish(self.info)
        if self._depth is not None:
            stamp = ns_to_stamp(10**9 + index * FRAME_NS + depth_offset_ns)
            stamped = Header(stamp=stamp, frame_id="camera")
            self._depth.publish(image_to_message(depth_image(features, depths_m), stamped))
        count = len(self.statuses)
        self._features.publish(features_to_message(features, header, model, descriptor_type))
        self._probe.wait_until(lambda: len(self.statuses) > count, f"the status of frame {index}")
        return self.statuses[-1]


def depth_image(features, depths_m):
    """Return (H, W) metres, known around the keypoints."""
    depth_m = np.full((CAMERA.height, CAMERA.width), np.nan, np.float32)
    x, y = np.rint(features.keypoints.numpy()).astype(int).T
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            depth_m[np.clip(y + dy, 0, 479), np.clip(x + dx, 0, 639)] = depths_m
    return depth_m
