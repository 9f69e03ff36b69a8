import numpy as np
import pytest

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from aliked_ros.msg import Features
from point_world import room
from std_msgs.msg import Header

from aliked_ros.images import ImageError
from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.tracker.inputs import FrameImages, FrameInputs, TrackerInputs

INFO = {"publication_sequence_number": None, "source_timestamp": 0}
LEFT, RIGHT = (np.full((4, 6), value, np.uint8) for value in (10, 20))
DEPTH_M = np.full((4, 6), 2.0, np.float32)


def image(pixels, stamp_ms=1000):
    return image_to_message(pixels, Header(stamp=ns_to_stamp(stamp_ms * 1_000_000)))


def handover(stamp_ms=1000):
    return Handover(Header(stamp=ns_to_stamp(stamp_ms * 1_000_000)), 0, lambda: None)


@pytest.fixture
def started(node, diagnostics, make_settings):
    """The inputs of a sensor with an extractor beside them; returns them and what is complete."""

    def start(sensor, has_local_extractor=True):
        sets = []
        inputs = TrackerInputs(
            node, make_settings(sensor), has_local_extractor, sets.append, diagnostics
        )
        return inputs, sets

    return start


def test_a_single_camera_needs_features_alone(node, started):
    inputs, sets = started("mono")
    sent = handover()
    inputs.receive(sent)
    assert sets == [FrameInputs(sent)]
    assert [topic for topic in node.callbacks if "image" in topic or "features" in topic] == []


def test_depth_and_features_of_one_instant_belong_together(node, diagnostics, started):
    inputs, sets = started("rgbd")
    sent = handover()
    inputs.receive(sent)
    assert (sets, inputs.num_unpaired) == ([], 1)
    depth = image(DEPTH_M, stamp_ms=1005)
    node.callbacks["/depth/image_raw"](depth, INFO)
    assert sets == [FrameInputs(sent, depth=depth)]
    assert inputs.num_unpaired == 0
    assert diagnostics.read()[1]["received"] == "1"


def test_the_left_image_must_be_that_of_the_features(node, started):
    _, sets = started("stereo", has_local_extractor=False)

    def send(features_ms, left_ms):
        features = Features(header=handover(features_ms).header)
        node.callbacks["/features"](features, INFO)
        node.callbacks["/image_raw"](image(LEFT, left_ms), INFO)
        node.callbacks["/right/image_raw"](image(RIGHT, left_ms), INFO)

    send(1000, 1005)  # within the slop, but its neighbour
    assert sets == []
    send(2000, 2000)
    (complete,) = sets
    assert complete.left.header == complete.handover.header == complete.right.header


def test_a_pair_is_complete_with_the_right_image(node, started):
    inputs, sets = started("stereo")
    sent, right = handover(), image(RIGHT)
    inputs.receive(sent)
    node.callbacks["/right/image_raw"](right, INFO)
    assert sets == [FrameInputs(sent, right=right)]


def test_images_are_decoded_as_the_sensor_needs_them(make_extraction):
    extraction = make_extraction(room().see(np.eye(4))[0], image=LEFT)
    assert FrameInputs(handover()).decode(extraction) == FrameImages()
    depth = FrameInputs(handover(), depth=image(DEPTH_M)).decode(extraction)
    np.testing.assert_array_equal(depth.depth_m, DEPTH_M)
    handed_over = FrameInputs(handover(), right=image(RIGHT)).decode(extraction)
    assert handed_over.image is LEFT
    np.testing.assert_array_equal(handed_over.right_image, RIGHT)
    received = FrameInputs(handover(), left=image(LEFT), right=image(RIGHT)).decode(extraction)
    np.testing.assert_array_equal(received.image, LEFT)


def test_an_image_that_cannot_be_decoded_is_named(make_extraction):
    broken = image(RIGHT)
    broken.encoding = "nv21"
    with pytest.raises(ImageError, match="'nv21'"):
        FrameInputs(handover(), right=broken).decode(make_extraction(room().see(np.eye(4))[0]))
