import threading

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.config.companions import PlayerConfig
from aliked_ros.nodes.player.audience import Audience


def config(**changes):
    given = {"dataset": "synthetic", "settle_s": 0.0, "start_timeout_s": 0.0}
    return PlayerConfig(**(given | changes))


def test_with_a_subscriber_nothing_is_said(node):
    Audience(node, config(), lambda: 1, threading.Event()).wait()
    assert node.said["warning"] == []


def test_nobody_is_waited_for_for_ever(node):
    Audience(node, config(), lambda: 0, threading.Event()).wait()
    assert node.said["warning"] == [
        "nobody subscribed to /image_raw within 0 s: playing all the same"
    ]


def test_all_who_are_wanted_are_waited_for(node):
    numbers = iter([1, 1, 1, 2])
    settings = config(num_subscribers=2, start_timeout_s=60.0)
    Audience(node, settings, lambda: next(numbers), threading.Event()).wait()
    assert node.said["warning"] == []
    assert list(numbers) == []


def test_fewer_than_wanted_are_said(node):
    Audience(node, config(num_subscribers=2), lambda: 1, threading.Event()).wait()
    assert node.said["warning"] == [
        "1 of 2 subscribed to /image_raw within 0 s: playing all the same"
    ]


def test_frames_that_wait_for_answers_need_extractor_and_tracker(node):
    asked = []
    node.count_publishers = lambda topic: asked.append(topic) or 1
    Audience(node, config(rate=0.0), lambda: 1, threading.Event()).wait()
    assert asked == ["features", "status"]


def test_the_end_of_the_player_ends_the_waiting(node):
    stop = threading.Event()
    stop.set()
    Audience(node, config(start_timeout_s=3600.0), lambda: 0, stop).wait()
    assert node.said["warning"] == []
