from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from fake_node import INFO
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.nodes.base.qos import IMAGE_QOS, RESULT_QOS
from aliked_ros.nodes.base.topics import Topics

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def endpoint(name="camera", topic_type="sensor_msgs/msg/Image", qos=BEST_EFFORT):
    return SimpleNamespace(
        node_name=name, node_namespace="/", topic_type=topic_type, qos_profile=qos
    )


class Recorder:
    """Takes the place of create_subscription; keeps its arguments."""

    def __init__(self, node):
        self.made = []
        node.create_subscription = self.create
        node.destroy_subscription = lambda one: self.made.remove(one)

    def create(
        self, message_type, topic, callback, qos, event_callbacks, qos_overriding_options, raw
    ):
        self.made.append(
            SimpleNamespace(
                topic=topic,
                message_type=message_type,
                callback=callback,
                qos=qos,
                events=event_callbacks,
                overrides=qos_overriding_options,
            )
        )
        return self.made[-1]


@pytest.fixture
def subscriptions(node):
    return Recorder(node)


def test_a_callback_that_raises_is_counted_and_the_next_message_is_taken(node, topics, diagnostics):
    taken = []

    def take(message, _):
        if message == "bad":
            raise ZeroDivisionError("by zero")
        taken.append(message)

    topics.subscribe(Image, "image_raw", IMAGE_QOS, take)
    for message in ("bad", "good", "bad", "good"):
        node.send("/image_raw", message)
    assert taken == ["good", "good"]
    assert diagnostics.read()[1]["messages of /image_raw that failed"] == "2"
    assert node.said["warning"] == ["/image_raw: ZeroDivisionError: by zero"]


def test_topics_are_subscribed_only_while_they_are_open(node, diagnostics):
    topics, taken = Topics(node, diagnostics), []
    topics.subscribe(Image, "image_raw", IMAGE_QOS, lambda *pair: taken.append(pair))
    assert not node.callbacks
    topics.open()
    node.send("/image_raw", "message", sent_ns=5)
    assert taken == [("message", 5)]
    topics.close()
    assert not node.callbacks
    topics.open()
    assert set(node.callbacks) == {"/image_raw"}
    topics.forget()
    topics.open()
    assert not node.callbacks


def test_the_transport_of_an_image_names_topic_and_type(node, topics, subscriptions):
    names = [
        topics.subscribe_image("image_raw", transport, IMAGE_QOS, print)
        for transport in ("raw", "compressed", "compressedDepth")
    ]
    assert names == ["/image_raw", "/image_raw/compressed", "/image_raw/compressedDepth"]
    assert [one.message_type for one in subscriptions.made] == [Image, *[CompressedImage] * 2]
    assert all(one.overrides is not None for one in subscriptions.made)


def test_the_time_of_arrival_may_take_the_place_of_the_stamp(node, topics):
    taken = []
    topics.subscribe_image(
        "image_raw", "raw", IMAGE_QOS, lambda message, _: taken.append(message), "arrival"
    )
    node.now_ns = 7_000_000_005
    node.send("/image_raw", Image())
    stamp = taken[0].header.stamp
    assert (stamp.sec, stamp.nanosec) == (7, 5)


def test_a_best_effort_publisher_of_a_reliable_topic_is_heard_with_best_effort(
    node, topics, subscriptions
):
    topics.subscribe(Image, "features", RESULT_QOS, print, is_adjustable=True)
    node.endpoints["/features"].append(endpoint("extractor"))
    (first,) = subscriptions.made
    assert first.overrides is not None
    assert first.qos.reliability == ReliabilityPolicy.RELIABLE
    first.events.incompatible_qos(None)
    node.timers[-1]()
    (second,) = subscriptions.made
    assert second.qos.reliability == ReliabilityPolicy.BEST_EFFORT
    assert second.overrides is None  # or an override would ask for reliable again, for ever
    (said,) = node.said["warning"]
    assert "/extractor offers /features with reliability best_effort" in said
    assert "asks for reliable" in said
    assert "best_effort now" in said


def test_a_publisher_of_another_type_is_named_with_both_types(node, topics, subscriptions):
    topics.subscribe(Image, "image_raw", IMAGE_QOS, print)
    other = endpoint(topic_type="sensor_msgs/msg/CompressedImage")
    node.endpoints["/image_raw"].append(other)
    subscriptions.made[0].events.incompatible_type(None)
    (said,) = node.said["warning"]
    assert "/camera sends sensor_msgs/msg/CompressedImage on /image_raw" in said
    assert "takes sensor_msgs/msg/Image" in said


def test_gaps_and_publishers_of_a_topic_are_shown(node, topics, subscriptions, diagnostics):
    topics.subscribe(Image, "image_raw", IMAGE_QOS, lambda *_: None)
    made = subscriptions.made[0]
    made.events.matched(SimpleNamespace(current_count=1))
    for number in (1, 2, 5):
        made.callback("message", INFO | {"publication_sequence_number": number})
    values = diagnostics.read()[1]
    assert values["publishers of /image_raw"] == "1"
    assert values["sent and not received"] == "2"


def test_who_keeps_the_last_message_is_found(node, topics):
    assert not topics.has_latched_publisher("/camera_info")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.endpoints["/camera_info"].append(endpoint(qos=latched))
    assert topics.has_latched_publisher("/camera_info")
    assert topics.publishers("/camera_info") == ["/camera"]
