from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from aliked_ros.nodes.base.silence import Wanted, type_name, why_silent

IMAGE = "sensor_msgs/msg/Image"
RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


def publish(node, topic, topic_type=IMAGE, qos=RELIABLE, name="camera", namespace="/robot"):
    node.endpoints[topic].append(
        SimpleNamespace(
            node_name=name, node_namespace=namespace, topic_type=topic_type, qos_profile=qos
        )
    )


def why(node, qos=BEST_EFFORT):
    return why_silent(node, Wanted("/image_raw", IMAGE, qos))


def test_the_type_of_a_message_is_named_as_ros_does():
    assert type_name(Image) == IMAGE


def test_a_topic_without_publishers_is_compared_with_those_that_have_some(node):
    assert why(node) == f"nobody publishes /image_raw, and no topic of type {IMAGE} has a publisher"
    publish(node, "/camera/color/image_raw")
    publish(node, "/scan", "sensor_msgs/msg/LaserScan")
    said = why(node)
    assert "topics of its type are /camera/color/image_raw" in said
    assert "-r /image_raw:=/camera/color/image_raw" in said


def test_a_topic_in_another_transport_is_named_with_the_parameter(node):
    publish(node, "/image_raw/compressed", "sensor_msgs/msg/CompressedImage")
    assert "set image_transport to 'compressed'" in why(node)


def test_another_type_and_other_qos_are_named(node):
    publish(node, "/image_raw", "sensor_msgs/msg/CompressedImage")
    said = why(node)
    assert said.startswith("/robot/camera sends sensor_msgs/msg/CompressedImage on /image_raw")
    node.endpoints.clear()
    publish(node, "/image_raw", qos=BEST_EFFORT)
    assert "reliability best_effort, this node asks for reliable" in why(node, RELIABLE)
    assert "durability volatile, this node asks for transient_local" in why(node, LATCHED)


def test_a_publisher_that_sends_nothing_is_named(node):
    publish(node, "/image_raw")
    assert why(node).startswith("/robot/camera publishes /image_raw and sends nothing")
