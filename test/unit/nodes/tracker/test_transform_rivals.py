from types import SimpleNamespace

import pytest

pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from geometry_msgs.msg import TransformStamped
from rclpy.serialization import serialize_message
from tf2_msgs.msg import TFMessage

from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.tracker.transform_rivals import TransformRivals


def endpoint(name):
    return SimpleNamespace(node_name=name, node_namespace="/")


@pytest.fixture
def rivals(node, topics):
    return TransformRivals(topics, "odom", "base_link")


@pytest.fixture
def hear(node):
    def send(parent, child, stamp_ns):
        message = TFMessage(transforms=[TransformStamped(child_frame_id=child)])
        message.transforms[0].header.frame_id = parent
        message.transforms[0].header.stamp = ns_to_stamp(stamp_ns)
        node.send("/tf", serialize_message(message))

    return send


def test_who_is_alone_does_not_listen(node, rivals, diagnostics):
    node.endpoints["/tf"] = [endpoint("fake")]
    diagnostics.report()
    assert not rivals.is_listening
    assert "/tf" not in node.callbacks


def test_our_own_transforms_and_those_of_other_frames_are_no_rivals(
    node, rivals, diagnostics, hear
):
    node.endpoints["/tf"] = [endpoint("fake"), endpoint("robot_state_publisher")]
    diagnostics.report()
    assert rivals.is_listening
    rivals.note_sent(5)
    hear("odom", "base_link", 5)
    hear("base_link", "wheel", 5)
    hear("map", "odom", 5)
    diagnostics.report()
    assert not node.said["warning"]


def test_a_second_publisher_of_our_transform_is_named_as_long_as_it_goes_on(
    at, node, rivals, diagnostics, hear
):
    at(0)
    node.endpoints["/tf"] = [endpoint("fake"), endpoint("wheels")]
    diagnostics.report()
    rivals.note_sent(5)
    for _ in range(2):  # one of them is ours
        hear("odom", "base_link", 5)
    for seconds in (1, 5, 20):  # it listens no longer after 3 s, and remembers
        at(seconds)
        status, _ = diagnostics.read()
        assert status.message.startswith("somebody else publishes odom -> base_link on /tf (")
        assert "/fake, /wheels" in status.message
        assert "set publish_tf to false here" in status.message
    assert not rivals.is_listening
    at(40)
    diagnostics.report()
    assert rivals.is_listening
    at(44)  # nothing was heard this time
    diagnostics.report()
    at(60)
    assert diagnostics.read()[0].message == "waiting"
    assert len(node.said["warning"]) == 1


def test_a_second_parent_of_our_frame_is_named(node, rivals, diagnostics, hear):
    node.endpoints["/tf"] = [endpoint("fake"), endpoint("gps")]
    diagnostics.report()
    hear("map", "base_link", 5)
    diagnostics.report()
    (said,) = node.said["warning"]
    assert "publishes map -> base_link on /tf, so that base_link has two parents" in said
