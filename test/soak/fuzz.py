"""Messages that contradict themselves, on every topic that a node takes: `make soak`.

Each node runs as a process of its own. Whatever it gets, it must live on, count every frame, and
take the next good message as if nothing had happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aliked_ros.msg import Features, Matches, OdometryStatus
from nav_msgs.msg import Odometry
from running_nodes import Probe, Processes
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Imu
from soak.mutation import mutate
from soak.scene import Scene
from soak.sums import Sum, read_settled_sum
from tf2_msgs.msg import TFMessage

_QUEUE = 1000
_NUM_GOOD = 8  # good instants at the end
_PAUSE_S = 0.012  # between instants without an answer
_ANSWER_S = 10.0
NETWORK = {"extractor__model": "aliked-t16", "extractor__weights": "seed:0",
           "extractor__detection_threshold": 0.0, "extractor__max_keypoints": 100}  # fmt: skip
TRACKER = {"camera_transform": "optical", "matcher__min_similarity": 0.9}

Make = Callable[[Scene], Any]


@dataclass(frozen=True)
class Mode:
    """A node, how it is started, and what it takes.

    Attributes:
        executable: of the package.
        topics: topic -> type and who makes a valid message; the last one is answered.
        parameters: of the node.
        answer: topic and type of what it publishes.
    """

    executable: str
    topics: dict[str, tuple[type, Make]]
    parameters: dict[str, Any]
    answer: tuple[str, type] | None


# Valid messages among those of a topic. A calibration that differs makes images wait for seconds.
GOOD_SHARES = {"camera_info": 0.99, "right/camera_info": 0.99, "image_raw": 0.6}
CALIBRATION = {"camera_info": (CameraInfo, Scene.camera_info)}
FEATURES = {"features": (Features, Scene.features)}
MODES = {
    "extractor": Mode(
        "extractor_node", {"image_raw": (Image, Scene.image)}, NETWORK, ("features", Features)
    ),
    "extractor, compressed": Mode(
        "extractor_node",
        {"image_raw/compressed": (CompressedImage, Scene.compressed)},
        {**NETWORK, "image_transport": "compressed"},
        ("features", Features),
    ),
    "extractor, masked": Mode(
        "extractor_node",
        {"mask": (Image, Scene.mask), "image_raw": (Image, Scene.image)},
        {**NETWORK, "use_mask_topic": True},
        ("features", Features),
    ),
    "tracker, rgbd": Mode(
        "tracker_node",
        CALIBRATION | {"depth/image_raw": (Image, Scene.depth)} | FEATURES,
        {**TRACKER, "odometry__sensor": "rgbd"},
        ("status", OdometryStatus),
    ),
    "tracker, stereo": Mode(
        "tracker_node",
        CALIBRATION
        | {
            "right/camera_info": (CameraInfo, Scene.right_camera_info),
            "right/image_raw": (Image, Scene.large_image),
            "image_raw": (Image, Scene.large_image),
        }
        | FEATURES,
        {**TRACKER, "odometry__sensor": "stereo"},
        ("status", OdometryStatus),
    ),
    "tracker, mono with wheels, imu and tf": Mode(
        "tracker_node",
        {"/tf": (TFMessage, Scene.transforms)}
        | CALIBRATION
        | {"imu": (Imu, Scene.imu), "scale_odometry": (Odometry, Scene.odometry)}
        | FEATURES,
        {**TRACKER, "scale_source": "odometry", "use_imu": True, "imu_transform": "base"},
        ("status", OdometryStatus),
    ),
    "overlay": Mode(
        "overlay_node",
        {"image_raw": (Image, Scene.image), "matches": (Matches, Scene.matches)},
        {},
        ("overlay", Image),
    ),
    "recorder": Mode(
        "recorder_node",
        {
            "overlay": (Image, Scene.image),
            "odometry": (Odometry, Scene.odometry),
            "status": (OdometryStatus, Scene.status),
        },
        {"picture_period": 1},
        None,
    ),
}  # fmt: skip


@dataclass
class Outcome:
    """What a mode came to.

    Attributes:
        num_sent: messages, bad and good.
        sum: counts of the node.
        num_good_answered: of the _NUM_GOOD instants at the end; all where nothing answers.
        exit_code: of the process, after Ctrl-C.
        log: what it printed.
        faults: what must not be; empty if all is well.
    """

    num_sent: int
    sum: Sum
    num_good_answered: int
    exit_code: int
    log: str
    faults: list[str] = field(default_factory=list)


def fuzz(
    name: str, num_messages: int, seed: int, processes: Processes, probe: Probe, **more: Any
) -> Outcome:
    """Send messages to a node and return what became of them."""
    mode, random, scene = MODES[name], Random(seed), Scene()
    sender = _Sender(mode, processes, probe, more)
    num_sent = 0
    while num_sent < num_messages:
        for topic, (_, make) in mode.topics.items():
            message = make(scene)
            is_good = random.random() < GOOD_SHARES.get(topic, 0.4)
            sender.send(topic, message if is_good else mutate(message, random))
            num_sent += 1
        sender.wait(_PAUSE_S if mode.answer is None or "status" not in mode.answer else _ANSWER_S)
        scene.go_on()
    num_good = sender.send_good(scene)
    node = "aliked_" + mode.executable.removesuffix("_node")
    counted = read_settled_sum(probe, node)
    exit_code = processes.interrupt(mode.executable)
    log = processes.log(mode.executable)
    outcome = Outcome(num_sent, counted, num_good, exit_code, log)
    outcome.faults = _faults(outcome, sender.num_frames)
    return outcome


def _faults(outcome: Outcome, num_frames: int) -> list[str]:
    """Return what must not be.

    Args:
        outcome: of a mode.
        num_frames: messages that were sent and are counted as frames.
    """
    counted = outcome.sum
    checks = {
        f"the sum is not exact: {counted}": counted.is_exact,
        # What is lost may be a depth image, which is no frame.
        f"{num_frames} were sent, {counted.received} received and {counted.lost} lost": (
            counted.received <= num_frames <= counted.received + counted.lost
        ),
        f"only {outcome.num_good_answered} good frames were answered": (
            outcome.num_good_answered >= _NUM_GOOD - 3
        ),
        f"it ended with {outcome.exit_code}": outcome.exit_code == 0,
        "it printed a traceback": "Traceback" not in outcome.log,
    }
    return [fault for fault, holds in checks.items() if not holds]


class _Sender:
    """Starts the node of a mode, and sends it messages."""

    def __init__(
        self, mode: Mode, processes: Processes, probe: Probe, more: dict[str, Any]
    ) -> None:
        self._probe, self._mode = probe, mode
        self.num_frames = 0
        self._answers: list[Any] = []
        if mode.answer is not None:
            topic, message_type = mode.answer
            probe.listen(message_type, topic)
            self._answers = probe.heard[topic]
        self._frames = [*mode.topics] if mode.answer is None else [*mode.topics][-1:]
        self._publishers = {
            topic: probe.publisher(kind, topic, _QUEUE) for topic, (kind, _) in mode.topics.items()
        }
        processes.start(mode.executable, **mode.parameters, **more)
        # /tf is heard now and then, while others publish it.
        awaited = [one for topic, one in self._publishers.items() if topic != "/tf"]
        probe.wait_for_subscribers(*awaited)  # a first message that is lost would not be counted
        probe.wait_for_publishers()

    def send(self, topic: str, message: Any) -> None:
        self._num_answers = len(self._answers)
        self._publishers[topic].publish(message)
        self.num_frames += topic in self._frames

    def wait(self, timeout_s: float) -> bool:
        """Wait for an answer to the last message; return whether it came."""
        if timeout_s < _ANSWER_S:
            time.sleep(timeout_s)
            return len(self._answers) > self._num_answers
        deadline = time.monotonic() + timeout_s
        while len(self._answers) == self._num_answers:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        return True

    def send_good(self, scene: Scene) -> int:
        """Send good messages of some instants; return how many were answered with a result."""
        num_good = 0
        for topic in set(self._mode.topics) & {"camera_info", "right/camera_info"}:
            self.send(topic, self._mode.topics[topic][1](scene))
        time.sleep(4)  # two calibrations that took turns are forgiven
        for _ in range(_NUM_GOOD):
            for topic, (_, make) in self._mode.topics.items():
                self.send(topic, make(scene))
            num_good += self._mode.answer is None or (self.wait(_ANSWER_S) and self._is_result())
            scene.go_on()
        return num_good

    def _is_result(self) -> bool:
        state = getattr(self._answers[-1], "state", OdometryStatus.TRACKING)
        return state != OdometryStatus.UNUSABLE
