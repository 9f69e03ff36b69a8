"""The text that hangs above the base."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from aliked_ros.msg import OdometryStatus
from fake_node import FakeNode
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from aliked_ros.nodes.base.states import STATE_NAMES
from aliked_ros.nodes.tracker.state_text import COLOURS, StateText
from aliked_ros.nodes.tracker.status import STATES, Outcome
from aliked_ros.odometry.result import State
from aliked_ros.view.page import STATE_COLOURS


def outcome(state=State.TRACKING, reason=""):
    result = SimpleNamespace(state=state, num_inliers=60, num_keypoints=100, reason=reason)
    return Outcome(Header(frame_id="camera"), result=result)


@pytest.fixture
def world():
    node, clock = FakeNode(), SimpleNamespace(now_s=0.0)
    text = StateText(node, "odom", 0.3, lambda: clock.now_s)

    def see(*given, seconds=0.05):
        clock.now_s += seconds
        text.publish(*given)
        (marker,) = node.published["state_text"][-1].markers
        return marker

    return SimpleNamespace(see=see, node=node)


def test_the_text_says_state_rate_and_inliers(world):
    assert world.see(outcome()).text == "TRACKING   0.0 Hz   60 of 100 inliers"
    for _ in range(50):
        marker = world.see(outcome())
    assert marker.text == "TRACKING   20.0 Hz   60 of 100 inliers"
    assert (marker.type, marker.header.frame_id) == (Marker.TEXT_VIEW_FACING, "odom")


def test_a_reason_is_wrapped_below(world):
    reason = "only 9 of 15 keypoints agree on a pose: the image is dark or shows something new"
    lines = world.see(outcome(State.LOST, reason)).text.split("\n")
    assert lines[0].startswith("LOST   0.0 Hz")
    assert " ".join(lines[1:]) == reason
    assert max(map(len, lines[1:])) <= 48


def test_an_image_that_was_skipped_has_its_reason_and_no_inliers(world):
    skipped = Outcome(Header(), "not ready", "no calibration yet")
    assert world.see(skipped).text == "INITIALISING   0.0 Hz\nno calibration yet"


def test_the_text_hangs_above_the_base_and_stays_where_it_was_last(world):
    T = np.eye(4)
    T[:3, 3] = [1, 2, 3]
    for marker in (world.see(outcome(), T), world.see(outcome(State.LOST))):
        p = marker.pose.position
        assert (p.x, p.y, p.z) == (1, 2, 3.6)
        assert marker.scale.z == pytest.approx(0.1)


def test_every_state_has_a_colour_of_its_own(world):
    named = {getattr(OdometryStatus, name.upper()) for name in
             ("unusable", "initialising", "tracking", "lost", "paused", "predicted")}  # fmt: skip
    assert set(COLOURS) == named >= set(STATES.values())
    assert len(set(COLOURS.values())) == len(COLOURS)
    marker = world.see(outcome(State.LOST))
    assert (marker.color.r, marker.color.g, marker.color.b) == COLOURS[OdometryStatus.LOST]


def test_the_page_in_the_browser_has_the_same_colours():
    for state, colour in COLOURS.items():
        page = np.array(STATE_COLOURS[STATE_NAMES[state].lower()]) / 255
        np.testing.assert_allclose(page, colour, atol=0.006)


def test_nothing_is_made_for_nobody():
    node = FakeNode()
    node.num_listeners = 0
    StateText(node, "odom", 0.3).publish(outcome())
    assert node.published["state_text"] == []
