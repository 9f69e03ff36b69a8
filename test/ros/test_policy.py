"""The security policy beside the topics and services that the nodes really have."""

import time
from collections import defaultdict
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from running_nodes import TIMEOUT_S
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from aliked_ros.nodes.extractor_node import ExtractorNode
from aliked_ros.nodes.overlay_node import OverlayNode
from aliked_ros.nodes.player_node import PlayerNode
from aliked_ros.nodes.recorder_node import RecorderNode
from aliked_ros.nodes.tracker_node import TrackerNode
from aliked_ros.nodes.view import work as view_work
from aliked_ros.nodes.view_node import ViewNode

RUNS = count()
FILE = Path(__file__).resolve().parents[2] / "config" / "policy.xml"
OPTICAL = {"camera_transform": "optical"}
RGBD = OPTICAL | {"odometry.sensor": "rgbd"}
STEREO = OPTICAL | {"odometry.sensor": "stereo"}
NETWORK = {"extractor.model": "aliked-t16", "extractor.weights": "seed:0"}
BAG = {"format": "bag", "output_dir": "OUT"}
# Node -> sets of parameters that together make it take everything that it can take.
NODES = {
    ExtractorNode: [
        NETWORK | {"use_mask_topic": True, "use_sim_time": True},
        NETWORK | {"image_transport": "compressed"},
    ],
    TrackerNode: [
        STEREO | {"use_sim_time": True},
        STEREO | {"image_transport": "compressed"},
        RGBD | {"use_imu": True, "imu_transform": "base"},
        RGBD | {"depth_transport": "compressed"},
        RGBD | {"depth_transport": "compressedDepth"},
        OPTICAL | {"scale_source": "odometry"},
        *([{}] if find_spec("tf2_ros") else []),
    ],
    OverlayNode: [{"use_sim_time": True}, {"image_transport": "compressed"}],
    PlayerNode: [{"dataset": "synthetic", "clock": True, "use_sim_time": True}],
    RecorderNode: [
        {"picture_period": 1, "output_dir": "OUT", "use_sim_time": True},
        BAG,
        BAG | {"image_transport": "compressed", "depth_transport": "compressed"},
        BAG | {"depth_transport": "compressedDepth"},
    ],
    ViewNode: [{"use_sim_time": True}, {"image_transport": "compressed"}],
}
# What only a distribution's tf2_ros subscribes to.
NOT_HERE = {TrackerNode: set() if find_spec("tf2_ros") else {"/tf_static"}}


class StandInViewer:
    """Shows nothing: what a node hears does not depend on rerun."""

    address, num_dropped = "", 0

    def __init__(self, **_):
        pass

    def close(self):
        pass


@pytest.fixture(autouse=True)
def no_rerun(monkeypatch):
    monkeypatch.setattr(view_work, "find_python", lambda: None)
    monkeypatch.setattr(view_work, "Viewer", StandInViewer)


def allowed(enclave):
    """Return what -> names that a profile of the file allows, by node."""
    found = {}
    root = ElementTree.parse(FILE).getroot()
    for profile in root.findall(f"enclaves/enclave[@path='/aliked/{enclave}']/profiles/profile"):
        names = found[profile.get("node")] = defaultdict(set)
        for rule in profile:
            (what,) = rule.attrib
            for item in rule:
                private = item.text.replace("~", f"/{profile.get('node')}")
                names[what].add(private if private.startswith("/") else f"/{private}")
    return found


def graph(other, node):
    """Return what -> names of a node, as another one sees them."""
    asked = {
        "publish": other.get_publisher_names_and_types_by_node,
        "subscribe": other.get_subscriber_names_and_types_by_node,
        "reply": other.get_service_names_and_types_by_node,
        "request": other.get_client_names_and_types_by_node,
    }
    whose = (node.get_name(), node.get_namespace())
    return {
        what: {name.removeprefix(node.get_namespace()) for name, _ in ask(*whose)}
        for what, ask in asked.items()
    }


def endpoints(make_node, parameters, folder):
    """Return what -> names of a node that is at work, while others look, ask and publish."""
    given = {name: folder if value == "OUT" else value for name, value in parameters.items()}
    words = [f"{name}:={str(v).lower() if v is True else v}" for name, v in given.items()]
    options = [word for one in words for word in ("-p", one)]
    namespace = f"/run{next(RUNS)}"  # the graph remembers nodes that are gone
    options += ["-r", f"__ns:={namespace}"]
    rclpy.init(args=["--ros-args", *options], signal_handler_options=SignalHandlerOptions.NO)
    other = rclpy.create_node("other", namespace=namespace, use_global_arguments=False)
    other.create_subscription(Image, "overlay", lambda _: None, 1)
    other.create_publisher(TFMessage, "/tf", 1)
    node = make_node()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        node.start_up()
        awaited = {TrackerNode: "/tf", OverlayNode: "/matches"}.get(make_node)
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            seen = graph(other, node)
            heard = {one.topic_name.removeprefix(namespace) for one in node.subscriptions}
            if seen["subscribe"] >= heard and (awaited is None or awaited in heard):
                break
            executor.spin_once(timeout_sec=0.05)
        return seen
    finally:
        node.destroy_node()
        other.destroy_node()
        executor.shutdown()
        rclpy.try_shutdown()


@pytest.mark.parametrize("make_node", NODES, ids=lambda node: node.__name__)
def test_a_node_may_do_what_it_does_and_nothing_else(make_node, ros_environment, tmp_path):
    name = make_node.__name__.removesuffix("Node").lower()
    ((node, names),) = allowed(name).items()
    assert node == f"aliked_{name}"
    used = defaultdict(set)
    for number, parameters in enumerate(NODES[make_node]):
        folder = tmp_path / f"out{number}"
        for what, found in endpoints(make_node, parameters, folder).items():
            used[what] |= found
    used["subscribe"] |= NOT_HERE.get(make_node, set())
    assert used.pop("request") == set()
    assert used == names


def test_both_nodes_of_one_process_may_do_what_they_do_alone():
    both = allowed("composed")
    for name in ("extractor", "tracker"):
        assert both[f"aliked_{name}"] == allowed(name)[f"aliked_{name}"]
