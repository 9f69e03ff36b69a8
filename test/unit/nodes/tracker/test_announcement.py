"""What the log says when tracking begins and comes back."""

from types import SimpleNamespace

import pytest

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from aliked_ros.nodes.tracker.announcement import Announcement
from aliked_ros.odometry.result import State


@pytest.fixture
def world():
    said, clock = [], SimpleNamespace(now_s=0.0)
    announcement = Announcement(said.append, lambda: clock.now_s)

    def see(state, *, reason="", skipped=False, seconds=1.0):
        clock.now_s += seconds
        result = SimpleNamespace(state=state, num_inliers=60, num_keypoints=100)
        announcement.note(SimpleNamespace(result=None if skipped else result, reason=reason))

    return SimpleNamespace(said=said, see=see)


def test_the_beginning_is_said_once(world):
    world.see(State.INITIALISING)
    for _ in range(3):
        world.see(State.TRACKING)
    assert world.said == ["tracking has begun: 60 of 100 keypoints agree"]


def test_a_pose_that_is_not_in_metres_yet_is_no_beginning(world):
    world.see(State.TRACKING, reason="the scale is not known yet")
    assert world.said == []


def test_the_return_is_said_with_what_was_missed(world):
    world.see(State.TRACKING)
    for _ in range(3):
        world.see(State.LOST)
    world.see(None, skipped=True)
    world.see(State.TRACKING)
    assert world.said[1:] == ["tracking again after 4 images: 60 of 100 keypoints agree"]


def test_a_state_that_flickers_is_not_said_each_time(world):
    world.see(State.TRACKING)
    for _ in range(5):
        world.see(State.LOST, seconds=0.03)
        world.see(State.TRACKING, seconds=0.03)
    assert len(world.said) == 1
