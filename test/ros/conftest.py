"""Real processes on a ROS domain of their own, and a probe that talks to them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")
pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

import rclpy
from ament_index_python.packages import get_package_prefix
from kitti_writer import write_kitti
from pipeline_runs import NUM_FRAMES
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.synthetic.room import SyntheticRoom

TIMEOUT_S = 60.0
END_TIMEOUT_S = 10.0
ANSWER_S = 5.0  # after which a service is called again


class Processes:
    """Starts executables of the package and ends them as Ctrl-C does."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._executables = Path(get_package_prefix("aliked_ros"), "lib", "aliked_ros")
        self._folder = folder
        self.environment = dict(environment)  # a test may add to its own
        self._running: dict[str, subprocess.Popen] = {}

    def start(self, executable: str, *arguments: str, **parameters: object) -> None:
        """Start a node; `a__b=1` sets the parameter a.b."""
        command = [str(self._executables / executable), "--ros-args", *arguments]
        for name, value in parameters.items():
            shown = str(value).lower() if isinstance(value, bool) else value
            shown = "''" if shown == "" else shown
            command += ["-p", f"{name.replace('__', '.')}:={shown}"]
        log = (self._folder / f"{executable}.log").open("w")
        self._running[executable] = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=self.environment
        )

    def log(self, executable: str) -> str:
        """Return what a node has printed."""
        return (self._folder / f"{executable}.log").read_text()

    def wait(self, executable: str, timeout_s: float = TIMEOUT_S) -> int:
        """Wait until a node ends by itself; return its exit code."""
        return self._running[executable].wait(timeout_s)

    def interrupt(self, executable: str) -> int:
        """Press Ctrl-C; return the exit code."""
        self._running[executable].send_signal(signal.SIGINT)
        return self._running[executable].wait(TIMEOUT_S)

    def end(self) -> None:
        """End what is left; who is killed leaves 64 MiB of shared memory behind."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Probe:
    """A node inside the test: publishes, and keeps everything that it hears."""

    def __init__(self) -> None:
        self.node = rclpy.create_node("probe")
        self.heard: dict[str, list] = defaultdict(list)
        self.num_publishers: dict[str, int] = {}
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def listen(self, message_type: type, topic: str, qos: object = 100) -> None:
        """Keep the messages of a topic in `heard[topic]`."""
        self.num_publishers[topic] = 0
        events = SubscriptionEventCallbacks(
            matched=lambda event: self.num_publishers.update({topic: event.current_count})
        )
        self.node.create_subscription(
            message_type, topic, self.heard[topic].append, qos, event_callbacks=events
        )

    def wait_for_publishers(self) -> None:
        """Wait until each topic that is listened to has a publisher."""
        self.wait_until(lambda: all(self.num_publishers.values()), f"all of {self.num_publishers}")

    def publisher(self, message_type: type, topic: str, qos: object = 10):
        """Return a publisher."""
        return self.node.create_publisher(message_type, topic, qos)

    @staticmethod
    def wait_until(condition, what: str, timeout_s: float = TIMEOUT_S) -> None:
        """Poll until a condition holds; fail with what was waited for."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"waited {timeout_s:.0f} s in vain for {what}")
            time.sleep(0.01)

    def call(self, service_type: type, name: str, request: object):
        """Call a service and return its response.

        A server that has not discovered the client's end yet drops its answer after a tenth of a
        second (rmw_fastrtps says so in its log); a user would ask again, and so does this.
        """
        client = self.node.create_client(service_type, name)
        assert client.wait_for_service(TIMEOUT_S), name
        futures = []
        for _ in range(round(TIMEOUT_S / ANSWER_S)):
            futures.append(client.call_async(request))
            deadline = time.monotonic() + ANSWER_S
            while time.monotonic() < deadline:
                for future in futures:
                    if future.done():
                        return future.result()
                time.sleep(0.01)
        pytest.fail(f"{len(futures)} calls of {name} in {TIMEOUT_S:.0f} s, none was answered")

    def end(self) -> None:
        """Stop listening."""
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()


@pytest.fixture(scope="session", autouse=True)
def _end_on_sigterm():
    """End the run as Ctrl-C does, so that a `timeout` leaves no node behind."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, previous)


@pytest.fixture(scope="session")
def ros_environment(tmp_path_factory):
    """A domain that no other run on this machine is likely to use; logs go to a scratch folder."""
    domain = str(1 + os.getpid() % 100)
    folder = str(tmp_path_factory.mktemp("ros_logs"))
    changes = {"ROS_DOMAIN_ID": domain, "ROS_LOG_DIR": folder, "PYTHONUNBUFFERED": "1"}
    os.environ.update(changes)
    return dict(os.environ)


@pytest.fixture
def processes(tmp_path, ros_environment):
    started = Processes(tmp_path, ros_environment)
    yield started
    started.end()


@pytest.fixture
def probe(ros_environment):
    # With rclpy's own handlers a signal would end the probe, and the test would wait in vain.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    started = Probe()
    yield started
    started.end()
    rclpy.try_shutdown()


@pytest.fixture(scope="session")
def room():
    return SyntheticRoom(width=320, height=240, num_frames=NUM_FRAMES, texels_per_m=80.0)


@pytest.fixture(scope="session")
def tum_folder(room, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tum")
    write_tum(room, folder)
    return folder


@pytest.fixture(scope="session")
def kitti_folder(room, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kitti") / "sequences" / "00"
    write_kitti(room, folder)
    return folder


@pytest.fixture(scope="session")
def network_parameters():
    """The released t16 where it can be had, else an untrained network from a seed."""
    folder = Path(os.environ.get("ALIKED_SHARED", "../shared"), "weights")
    weights = (folder / "aliked-t16.pth").resolve()
    if weights.is_file():
        return {"extractor__model": "aliked-t16", "extractor__weights": str(weights)}
    return {
        "extractor__model": "aliked-t16",
        "extractor__weights": "seed:0",
        "extractor__detection_threshold": 0.0,
    }
