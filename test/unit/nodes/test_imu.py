from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")
pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from geometry_msgs.msg import Quaternion
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from aliked_ros.nodes.conversions import ns_to_stamp
from aliked_ros.nodes.imu import ImuOrientation

FRAME_NS = 100_000_000
NUM_IMAGES = 100


@pytest.fixture
def begin():
    """An imu beside 100 images; returns it, its callback and the problems that it reports."""
    values = {"use_imu": True, "imu_transform": "base"}
    callbacks, problems = [], []
    node = SimpleNamespace(
        declare_parameter=lambda name, *_: SimpleNamespace(value=values[name]),
        resolve_topic_name=lambda name: f"/{name}",
        create_subscription=lambda _type, _topic, callback, _qos: callbacks.append(callback),
    )
    health = SimpleNamespace(show=lambda *_: None, problem=problems.append)
    return ImuOrientation(node, "base_link", 0.5, health), callbacks[0], problems


def message(stamp_ns, has_orientation=True):
    orientation = Quaternion(w=1.0) if has_orientation else Quaternion(w=0.0)
    return Imu(header=Header(stamp=ns_to_stamp(stamp_ns)), orientation=orientation)


def covered(imu, store, messages_from_ns, has_orientation=True):
    """Return how many of the images had an orientation."""
    num = 0
    for index in range(NUM_IMAGES):
        if messages_from_ns is not None:
            store(message(messages_from_ns + index * FRAME_NS, has_orientation))
        num += imu.at(10**9 + index * FRAME_NS, np.eye(4)) is not None
    return num


def test_messages_at_the_stamps_of_the_images_are_nothing_to_warn_of(begin):
    imu, store, problems = begin
    assert covered(imu, store, 10**9) == NUM_IMAGES
    assert problems == []


@pytest.mark.parametrize("messages_from_ns", [None, 10**14], ids=["silent", "another clock"])
def test_a_sensor_that_never_covers_an_image_is_named(begin, messages_from_ns):
    imu, store, problems = begin
    assert covered(imu, store, messages_from_ns) == 0
    assert "/imu has no orientation for the stamps of the last 50 images" in problems[0]


def test_the_reason_of_the_messages_themselves_stands(begin):
    imu, store, problems = begin
    assert covered(imu, store, 10**9, has_orientation=False) == 0
    assert all("run a filter" in problem for problem in problems)
