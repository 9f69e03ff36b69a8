"""Many frames through one process that is disturbed all the time: `make soak`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from aliked_ros.msg import OdometryStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters
from running_nodes import Probe, Processes
from sensor_msgs.msg import CameraInfo, Image
from soak.fuzz import NETWORK
from soak.scene import FRAME_NS, Scene
from soak.sums import Sum, read_settled_sum
from std_srvs.srv import Trigger

from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp, stamp_to_ns

NODES = ("aliked_extractor", "aliked_tracker")
_ANSWER_S = 5.0
_BURST = 12  # images at once
_STATES = {
    value: name
    for name, value in vars(OdometryStatus).items()
    if name in {"UNUSABLE", "INITIALISING", "TRACKING", "PREDICTED", "LOST", "PAUSED"}
}


@dataclass
class Report:
    """What a soak came to.

    Attributes:
        num_sent: images.
        sums: node -> counts.
        states: state -> statuses that said so.
        memory_mb: resident, after a tenth of the frames and at the end.
        exit_code: of the process, after Ctrl-C.
        faults: what must not be; empty if all is well.
    """

    num_sent: int = 0
    sums: dict[str, Sum] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    memory_mb: list[float] = field(default_factory=list)
    exit_code: int = 0
    faults: list[str] = field(default_factory=list)


def soak(
    num_frames: int,
    seed: int,
    processes: Processes,
    probe: Probe,
    disturbed_share: float = 0.01,
) -> Report:
    """Send frames to the composed process, disturb it, and return what became of them."""
    return _Soak(seed, processes, probe).run(num_frames, disturbed_share)


class _Soak:
    def __init__(self, seed: int, processes: Processes, probe: Probe) -> None:
        self._random, self._scene = Random(seed), Scene()
        self._processes, self._probe = processes, probe
        self._report = Report()
        self._statuses = probe.heard["status"]
        probe.listen(OdometryStatus, "status")
        topics = {"image_raw": Image, "depth/image_raw": Image, "camera_info": CameraInfo}
        self._publishers = {topic: probe.publisher(kind, topic) for topic, kind in topics.items()}
        self._info = self._scene.camera_info()
        self._info.width, self._info.height = 160, 120
        self._info.k[2], self._info.k[5] = 79.5, 59.5
        self._info.p = [0.0] * 12
        self._disturbances = (
            self._burst, self._blackout, self._jump, self._pause, self._reset, self._set, self._bad,
            self._cycle,
        )  # fmt: skip

    def run(self, num_frames: int, disturbed_share: float) -> Report:
        options = {**NETWORK, "camera_transform": "optical", "odometry__sensor": "rgbd",
                   "restart_at": "last_pose"}  # fmt: skip
        self._processes.start("composed_node", **options)
        self._probe.wait_for_subscribers(*self._publishers.values())
        self._probe.wait_for_publishers()
        report = self._report
        while report.num_sent < num_frames:
            if self._random.random() < disturbed_share:
                self._random.choice(self._disturbances)()
            else:
                self._send()
            if not report.memory_mb and report.num_sent > num_frames / 10:
                report.memory_mb.append(self._memory_mb())
        for _ in range(5):
            # A tracker that was configured again may not hear the first one.
            self._publishers["camera_info"].publish(self._info)
            self._send()
        self._end()
        return report

    def _end(self) -> None:
        report = self._report
        report.sums = {node: read_settled_sum(self._probe, node) for node in NODES}
        report.memory_mb.append(self._memory_mb())
        for status in self._statuses:
            state = _STATES[status.state]
            report.states[state] = report.states.get(state, 0) + 1
        report.exit_code = self._processes.interrupt("composed_node")
        extractor, tracker = (report.sums[node] for node in NODES)
        lost = extractor.lost
        checks = {
            "the sum of the extractor is not exact": extractor.is_exact,
            "the sum of the tracker is not exact": tracker.is_exact,
            f"{report.num_sent} were sent, {extractor.received} received, {lost} lost": (
                extractor.received <= report.num_sent <= extractor.received + lost
            ),
            "the tracker got more than the extractor found": (
                tracker.received <= extractor.received
            ),
            "the last frames were not tracked": _STATES[self._statuses[-1].state] == "TRACKING",
            f"it ended with {report.exit_code}": report.exit_code == 0,
            "it printed a traceback": "Traceback" not in self._processes.log("composed_node"),
        }
        report.faults = [fault for fault, holds in checks.items() if not holds]

    def _memory_mb(self) -> float:
        text = Path(f"/proc/{self._processes.pid('composed_node')}/status").read_text()
        (line,) = (line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def _send(self, is_awaited: bool = True, image: Image | None = None) -> None:
        """Send a frame; wait for its status."""
        scene, before = self._scene, len(self._statuses)
        scene.go_on()
        header = (image or scene.image()).header
        if self._report.num_sent % 20 == 0:
            self._publishers["camera_info"].publish(self._info)
        depth = image_to_message(scene.plane_depth(), header)
        self._publishers["depth/image_raw"].publish(depth)
        self._publishers["image_raw"].publish(image or scene.image())
        self._report.num_sent += 1
        if is_awaited:
            self._await(lambda: len(self._statuses) > before)

    @staticmethod
    def _await(condition: Any) -> None:
        deadline = time.monotonic() + _ANSWER_S
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.001)

    def _burst(self) -> None:
        for _ in range(_BURST):
            self._send(is_awaited=False)
        stamp_ns = self._scene.stamp_ns
        self._await(lambda: stamp_to_ns(self._statuses[-1].header.stamp) == stamp_ns)

    def _blackout(self) -> None:
        for _ in range(5):
            image = self._scene.image()
            self._scene.go_on()
            image.header.stamp = ns_to_stamp(self._scene.stamp_ns + FRAME_NS)
            image.data = image.data[:0] + type(image.data)("B", bytes(len(image.data)))
            self._send(image=image)

    def _jump(self) -> None:
        self._scene.index += self._random.choice((-3000, -50, 100, 10_000))
        self._scene.index = max(self._scene.index, 1)
        for _ in range(4):  # it is believed after some that agree
            self._send()

    def _pause(self) -> None:
        self._call(Trigger, "/aliked_tracker/pause", Trigger.Request())
        self._send()
        self._call(Trigger, "/aliked_tracker/resume", Trigger.Request())

    def _reset(self) -> None:
        self._call(Trigger, "/aliked_tracker/reset", Trigger.Request())

    def _set(self) -> None:
        node, name, value = self._random.choice(
            (
                ("aliked_extractor", "extractor.max_keypoints", 60 + self._random.randrange(60)),
                ("aliked_extractor", "extractor.max_keypoints", 0),
                ("aliked_tracker", "odometry.min_inliers", 10 + self._random.randrange(5)),
                ("aliked_tracker", "odometry.min_inliers", -1),
            )
        )
        parameter = Parameter(name=name, value=ParameterValue(type=2, integer_value=value))
        request = SetParameters.Request(parameters=[parameter])
        self._call(SetParameters, f"/{node}/set_parameters", request)

    def _bad(self) -> None:
        image = self._scene.image()
        self._scene.go_on()
        image.header.stamp = ns_to_stamp(self._scene.stamp_ns + FRAME_NS)
        image.data = image.data[: self._random.randrange(len(image.data))]
        before = self._report.num_sent
        self._send(is_awaited=False, image=image)
        assert self._report.num_sent == before + 1
        time.sleep(0.02)

    def _cycle(self) -> None:
        """Let the extractor go through its life."""
        node = self._random.choice(NODES)
        for transition in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
            request = ChangeState.Request(
                transition=Transition(id=getattr(Transition, f"TRANSITION_{transition}"))
            )
            response = self._call(ChangeState, f"/{node}/change_state", request)
            assert response.success, f"{node}: {transition}"
        self._probe.wait_for_subscribers(*self._publishers.values())
        self._publishers["camera_info"].publish(self._info)

    def _call(self, service_type: type, name: str, request: Any) -> Any:
        return self._probe.call(service_type, name, request)
