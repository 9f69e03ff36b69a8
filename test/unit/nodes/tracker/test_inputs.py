import numpy as np
import pytest

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from aliked_ros.msg import Features
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.tracker.frame_inputs import FrameInputs
from aliked_ros.nodes.tracker.inputs import TrackerInputs

DEPTH_M = np.full((48, 64), 1.5, np.float32)
LEFT, RIGHT = np.zeros((48, 64), np.uint8), np.ones((48, 64), np.uint8)
PERIOD_MS = 100


def image(pixels, stamp_ms=1000):
    return image_to_message(pixels, header(stamp_ms))


def header(stamp_ms=1000):
    return Header(stamp=ns_to_stamp(stamp_ms * 1_000_000))


def handover(stamp_ms=1000):
    return Handover(header(stamp_ms), 0, lambda: None)


@pytest.fixture
def started(node, topics, diagnostics, make_settings):
    """The inputs of a sensor; returns them, what is complete, and what was rejected."""

    def start(sensor, has_local_extractor=True):
        sets, rejected = [], []
        inputs = TrackerInputs(
            node,
            topics,
            make_settings(sensor),
            has_local_extractor,
            sets.append,
            lambda *what: rejected.append(what),
            diagnostics,
        )
        inputs.rejected = rejected
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
    assert sets == []
    depth = image(DEPTH_M, stamp_ms=1005)
    node.send("/depth/image_raw", depth)
    assert sets == [FrameInputs(sent, depth=depth)]
    assert diagnostics.read()[1]["received"] == "1"


def test_features_without_depth_go_on_and_say_why(at, node, started):
    inputs, sets = started("rgbd")
    inputs.receive(handover(1000))
    node.send("/depth/image_raw", image(DEPTH_M, stamp_ms=1016))
    assert sets[0].depth is None
    assert sets[0].missing == "nearest /depth/image_raw is 16 ms off, sync_slop_s is 10 ms"
    inputs.receive(handover(1100))
    at(0.29)
    node.timers[-1]()
    assert len(sets) == 1
    at(0.31)
    node.timers[-1]()
    assert len(sets) == 2
    assert sets[1].missing == "nearest /depth/image_raw is 84 ms off, sync_slop_s is 10 ms"


def test_the_timer_runs_while_something_waits_and_the_executor_is_told(at, node, started):
    inputs, sets = started("rgbd")
    timer = node.timers[-1]
    assert timer.is_canceled()
    node.send("/depth/image_raw", image(DEPTH_M))
    inputs.receive(handover())
    assert len(sets) == 1
    assert (timer.is_canceled(), node.num_woken) == (True, 0)
    for stamp_ms in (1100, 1150):
        inputs.receive(handover(stamp_ms))
        assert (timer.is_canceled(), node.num_woken) == (False, 1)
    timer()
    assert not timer.is_canceled()
    at(0.31)
    timer()
    assert len(sets) == 3
    assert timer.is_canceled()
    inputs.receive(handover(1200))
    assert (timer.is_canceled(), node.num_woken) == (False, 2)


def test_the_left_image_must_be_that_of_the_features(node, started):
    _, sets = started("stereo", has_local_extractor=False)

    def send(features_ms, left_ms):
        node.send("/features", Features(header=header(features_ms)))
        node.send("/image_raw", image(LEFT, left_ms))
        node.send("/right/image_raw", image(RIGHT, left_ms))

    send(1000, 1005)  # within the slop, but its neighbour
    assert (sets[0].left, sets[0].missing) == (
        None,
        "nearest /image_raw is 5 ms off, stamps must be equal",
    )
    send(2000, 2000)
    assert sets[1].left.header == sets[1].handover.header == sets[1].right.header


def test_a_pair_is_complete_with_the_right_image(node, started):
    inputs, sets = started("stereo")
    sent, right = handover(), image(RIGHT)
    inputs.receive(sent)
    node.send("/right/image_raw", right)
    assert sets == [FrameInputs(sent, right=right)]


def test_an_image_whose_stamp_cannot_be_believed_is_rejected_and_counted(started, diagnostics):
    inputs, sets = started("mono")
    for index in range(5):
        inputs.receive(handover(1000 + index * PERIOD_MS))
    inputs.receive(handover(10**9))
    inputs.receive(handover(0))
    inputs.receive(handover(1500))
    assert len(sets) == 6
    causes = [cause for _, cause, _ in inputs.rejected]
    assert causes == ["stamp far from its neighbours", "stamp of zero"]
    assert inputs.rejected[0][0] == header(10**9)
    assert {one.jump.number for one in sets} == {0}
    assert diagnostics.read()[1]["received"] == "8"


def test_a_jump_of_time_is_told_from_the_image_on_that_is_believed(at, started):
    inputs, sets = started("mono")
    for index in range(6):
        at(index * 0.1)
        inputs.receive(handover(90_000 + index * PERIOD_MS))
    for index in range(5):
        at(0.6 + index * 0.1)
        inputs.receive(handover(1000 + index * PERIOD_MS))
    assert len(inputs.rejected) == 2
    assert [one.jump.number for one in sets] == [0] * 6 + [1] * 3
    assert str(sets[-1].jump) == "time has jumped back by 89.3 s"


def test_depth_ahead_for_a_while_and_a_reset_harm_nothing(at, node, started, diagnostics):
    inputs, sets = started("rgbd")
    for index in range(150):
        at(index * 0.1)
        ahead_ms = 3_600_000 if 20 <= index < 90 else 0
        node.send("/depth/image_raw", image(DEPTH_M, 1000 + index * PERIOD_MS + ahead_ms))
        inputs.receive(handover(1000 + index * PERIOD_MS))
        node.timers[-1]()
    has_depth = [one.depth is not None for one in sets]
    assert len(sets) == 150
    assert all(has_depth[:20])
    assert not any(has_depth[20:90])
    assert all(has_depth[93:])
    values = diagnostics.read()[1]
    assert values["depth images not used, stamp far from its neighbours"] == "4"
    inputs.clear()
    sets.clear()
    node.send("/depth/image_raw", image(DEPTH_M, 500))
    inputs.receive(handover(500))
    assert sets[-1].depth is not None


def test_the_extractor_of_the_same_process_is_watched(at, started, diagnostics):
    inputs, _ = started("mono")
    inputs.receive(handover())
    at(3)
    assert diagnostics.read()[0].level == b"\x00"
    at(9)
    status, _ = diagnostics.read()
    assert status.level == status.STALE
    assert "nothing from the extractor of this process for 9 s" in status.message
