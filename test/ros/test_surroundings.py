"""What is wrong around the nodes is said in words."""

import time

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from point_world import room, sideways
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from tracker_sender import start_tracker


def says(probe, node, words):
    """Return whether the newest report of a node holds words."""
    statuses = [
        status
        for message in probe.heard["/diagnostics"]
        for status in message.status
        if status.name == f"{node}: frames"
    ]
    return bool(statuses) and words in statuses[-1].message


def test_a_second_publisher_of_our_transform_is_named_and_our_own_is_none(processes, probe):
    sender = start_tracker(processes, probe, topics={"/tf": TFMessage})
    world, path = room(), sideways(3)
    # The probe is a publisher of /tf from here on: the tracker listens, and hears itself.
    transforms = probe.publisher(TFMessage, "/tf")
    probe.wait_until(
        lambda: transforms.get_subscription_count() == 2, "the tracker to listen to /tf, as we do"
    )
    for index, T in enumerate(path):
        sender.send(world.see(T), index)
    time.sleep(1.5)
    assert "somebody else" not in processes.log("tracker_node")
    rival = TransformStamped(child_frame_id="base_link")
    rival.header.frame_id = "map"

    def is_named():
        transforms.publish(TFMessage(transforms=[rival]))
        return says(probe, "aliked_tracker", "somebody else publishes map -> base_link on /tf")

    probe.wait_until(is_named, "the rival to be named", timeout_s=90.0, poll_s=0.1)
    assert "so that base_link has two parents" in processes.log("tracker_node")


def test_twins_and_a_silent_clock_are_said(processes, probe):
    probe.listen(DiagnosticArray, "/diagnostics")
    processes.start("overlay_node", "-r", "__node:=twin", use_sim_time=True)
    processes.start("recorder_node", "-r", "__node:=twin", autostart=False)
    for words in ("2 nodes are called /twin: ", "nothing has come on /clock for"):
        probe.wait_until(lambda text=words: text in processes.log("overlay_node"), words)


def test_a_publisher_that_is_not_heard_is_named_with_policy_and_type(
    processes, probe, network_parameters
):
    probe.listen(DiagnosticArray, "/diagnostics")
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    images = probe.publisher(Image, "image_raw", best_effort)
    other = probe.publisher(String, "features")
    override = "qos_overrides./image_raw.subscription.reliability:=reliable"
    processes.start("extractor_node", "-p", override, **network_parameters)
    processes.start("tracker_node", camera_transform="optical")
    probe.wait_until(
        lambda: "reliability best_effort" in processes.log("extractor_node"), "the policy"
    )
    # It asks for less then, and hears the images.
    probe.wait_until(images.get_subscription_count, "the extractor to ask for less")
    words = "/probe sends std_msgs/msg/String on /features, this node takes aliked_ros/msg/Features"
    probe.wait_until(lambda: words in processes.log("tracker_node"), words)
    assert other.topic_name == "/features"


@pytest.mark.parametrize(
    ("arguments", "keystore", "words"),
    [
        (["--bogus"], None, "--bogus"),
        ([], "", "ROS_SECURITY_KEYSTORE is not set: set it to the folder of the keystore"),
        (["--enclave", "/aliked/overlay"], "absent", "absent/enclaves/aliked/overlay"),
    ],
)
def test_a_node_that_ros_does_not_let_start_says_so_and_fails(
    processes, arguments, keystore, words
):
    if keystore is not None:
        processes.environment |= {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_STRATEGY": "Enforce"}
        processes.environment |= {"ROS_SECURITY_KEYSTORE": keystore}
    processes.start("overlay_node", *arguments)
    assert processes.wait("overlay_node") == 1
    assert words in processes.log("overlay_node")
    assert "Traceback" not in processes.log("overlay_node")
