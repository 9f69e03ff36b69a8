from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.extractor.masks import MaskTopic

MISSED, REFUSED = "images without a mask of /mask", "masks of /mask refused"


def header(stamp_s):
    return Header(stamp=ns_to_stamp(stamp_s * 10**9))


def message(value, stamp_s=1, size=(3, 4), **changes):
    made = image_to_message(np.full(size, value, np.uint8), header(stamp_s))
    for name, changed in changes.items():
        setattr(made, name, changed)
    return made


@pytest.fixture
def masks(node, topics):
    """The masks of a camera; `send` hands one over, `value` is that of the mask of a stamp."""
    made = MaskTopic(topics, "mask", max_megapixels=1.0)
    made.send = lambda *args, **more: node.send("/mask", message(*args, **more))

    def value(stamp_s):
        mask = made.of(header(stamp_s), 3, 4)
        return None if mask is None else int(mask[0, 0])

    made.value = value
    return made


def test_the_mask_of_the_stamp_holds_and_else_the_newest(masks):
    for stamp_s in (1, 2, 3):
        masks.send(10 * stamp_s, stamp_s)
    assert [masks.value(stamp_s) for stamp_s in (1, 2, 3, 4)] == [10, 20, 30, 30]


def test_only_some_masks_are_kept(masks):
    for stamp_s in range(1, 100):
        masks.send(stamp_s, stamp_s)
    assert masks.value(2) == 99
    assert masks.value(98) == 98


def test_an_image_without_a_mask_is_counted_and_it_is_said_who_should_send_one(masks, diagnostics):
    assert masks.value(1) is None
    assert masks.value(2) is None
    status, values = diagnostics.read()
    assert values[MISSED] == "2"
    assert "no mask has come on /mask: keypoints are kept everywhere until then" in status.message
    assert "nobody publishes /mask" in status.message
    masks.send(1)
    assert masks.value(3) == 1
    assert diagnostics.read()[1][MISSED] == "2"
    masks.forget()
    assert masks.value(4) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoding": "rgb8"}, "encoding is 'rgb8': publish mono8, 0 where no keypoints"),
        ({"encoding": "mono16"}, "encoding is 'mono16': publish mono8"),
        ({"step": 2}, "step"),
        ({"height": 0}, "image size is 4x0"),
        ({"height": 10_000, "width": 10_000}, "megapixels"),
    ],
)
def test_a_mask_that_is_none_is_refused_and_the_one_before_holds(
    masks, diagnostics, changes, words
):
    masks.send(7)
    masks.send(9, 2, **changes)
    assert masks.value(2) == 7
    status, values = diagnostics.read()
    assert values[REFUSED] == "1"
    assert status.message.startswith("a mask of /mask is not used: ")
    assert words in status.message


def test_a_mask_of_another_size_is_refused_once_and_the_one_before_holds(masks, node, diagnostics):
    masks.send(7)
    masks.send(9, 2, size=(4, 3))
    assert [masks.value(2), masks.value(2)] == [7, 7]
    assert diagnostics.read()[1][REFUSED] == "1"
    (said,) = node.said["warning"]
    assert "it is 3x4, the image is 4x3: publish masks of the size of the images" in said


def test_a_mask_that_was_sent_once_before_is_asked_for(masks, node, diagnostics):
    asked = []
    create = node.create_subscription
    node.create_subscription = lambda *args, **more: (asked.append(args), create(*args, **more))
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.endpoints["/mask"] = [SimpleNamespace(qos_profile=latched)]
    diagnostics.report()
    assert [one[3].durability for one in asked] == [DurabilityPolicy.TRANSIENT_LOCAL]
