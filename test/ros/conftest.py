"""Real processes on a ROS domain of their own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")
pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

import rclpy
from aliked_ros.msg import Features
from diagnostic_msgs.msg import DiagnosticArray
from kitti_writer import write_kitti
from pipeline_runs import NUM_FRAMES
from rclpy.signals import SignalHandlerOptions
from running_nodes import Probe, Processes
from sensor_msgs.msg import Image

from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.synthetic.room import SyntheticRoom


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


@pytest.fixture
def node(processes, probe, network_parameters):
    """Start the extractor and return a function that sends it an image."""
    processes.start("extractor_node", **network_parameters)
    images = probe.publisher(Image, "image_raw")
    probe.listen(Features, "features")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_for_subscribers(images)
    probe.wait_for_publishers()
    probe.wait_until(lambda: probe.heard["/diagnostics"], "diagnostics")
    return images.publish
