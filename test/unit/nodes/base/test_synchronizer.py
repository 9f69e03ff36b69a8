from types import SimpleNamespace

import pytest

from aliked_ros.nodes.base.synchronizer import ApproximateTimeSynchronizer, SimpleFilter


def message(stamp_ms, name):
    stamp = SimpleNamespace(sec=stamp_ms // 1000, nanosec=stamp_ms % 1000 * 1_000_000)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), name=name)


@pytest.fixture
def paired():
    left, right, pairs = SimpleFilter(), SimpleFilter(), []
    synchronizer = ApproximateTimeSynchronizer([left, right], queue_size=3, slop=0.02)
    synchronizer.registerCallback(lambda *pair: pairs.append(tuple(one.name for one in pair)))
    return left.signalMessage, right.signalMessage, pairs


def test_stamps_within_the_slop_are_paired_in_either_order(paired):
    left, right, pairs = paired
    left(message(1000, "a"))
    right(message(1020, "A"))
    right(message(2000, "B"))
    left(message(1990, "b"))
    assert pairs == [("a", "A"), ("b", "B")]


def test_stamps_further_apart_than_the_slop_are_not_paired(paired):
    left, right, pairs = paired
    left(message(1000, "a"))
    right(message(1021, "A"))
    assert pairs == []


def test_a_message_is_used_once(paired):
    left, right, pairs = paired
    left(message(1000, "a"))
    right(message(1000, "A"))
    right(message(1010, "A2"))
    assert pairs == [("a", "A")]


def test_sets_come_in_the_order_of_time(paired):
    left, right, pairs = paired
    left(message(1000, "a"))
    left(message(1100, "b"))
    right(message(1100, "B"))
    right(message(1000, "A"))
    assert pairs == [("b", "B")]


def test_only_the_newest_messages_wait(paired):
    left, right, pairs = paired
    for stamp_ms in range(1000, 1500, 100):
        left(message(stamp_ms, stamp_ms))
    for stamp_ms in range(1000, 1500, 100):
        right(message(stamp_ms, stamp_ms))
    assert pairs == [(stamp_ms, stamp_ms) for stamp_ms in (1200, 1300, 1400)]


def test_the_nearest_partner_is_taken(paired):
    left, right, pairs = paired
    right(message(985, "far"))
    right(message(1002, "near"))
    left(message(1000, "a"))
    assert pairs == [("a", "near")]
