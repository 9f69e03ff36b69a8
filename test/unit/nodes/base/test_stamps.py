from types import SimpleNamespace

import numpy as np
import pytest

from aliked_ros.nodes.base.stamps import StampGuard

WALL_S = 1_700_000_000
PERIOD_S = 0.1


class Stream:
    """Sends stamps, one every tenth of a second."""

    def __init__(self, num_good=10):
        self.guard, self.now_s = StampGuard(), 50.0
        for index in range(num_good):
            assert self.send(WALL_S + index * PERIOD_S).cause == ""
        self.next_s = WALL_S + num_good * PERIOD_S

    def send(self, stamp_s, waited_s=PERIOD_S):
        self.now_s += waited_s
        ns = round(stamp_s * 1e9)
        stamp = SimpleNamespace(sec=ns // 10**9, nanosec=ns % 10**9)
        return self.guard.check(stamp, self.now_s)

    def good(self, num=1):
        """Send the stamps that are next, and return what becomes of them."""
        verdicts = [self.send(self.next_s + index * PERIOD_S) for index in range(num)]
        self.next_s += num * PERIOD_S
        return verdicts


@pytest.mark.parametrize("offset_s", [5.0, 3600.0, 1e9, -5.0, -3600.0, -1.6e9], ids=str)
def test_one_stamp_far_from_its_neighbours_is_refused_and_harms_nothing(offset_s):
    stream = Stream()
    bad = stream.send(stream.next_s + offset_s)
    assert bad.cause == "stamp far from its neighbours"
    assert ("after" if offset_s > 0 else "before") in bad.refusal
    assert "clock" in bad.refusal
    assert [one.cause for one in stream.good(5)] == [""] * 5
    assert all(one.jump_s == 0 for one in stream.good(5))


@pytest.mark.parametrize("offset_s", [5.0, 1e9, -5.0, -1.6e9], ids=str)
def test_several_that_agree_are_believed(offset_s):
    stream = Stream()
    stream.next_s += offset_s
    verdicts = stream.good(5)
    assert [bool(one.cause) for one in verdicts] == [True, True, False, False, False]
    assert verdicts[2].jump_s == pytest.approx(offset_s, abs=0.5)
    assert [one.jump_s for one in verdicts[3:]] == [0, 0]


def test_some_that_do_not_agree_are_never_believed():
    stream = Stream()
    for offset_s in (9e5, 3e5, 7e5, 1e5, 8e5, 2e5):
        assert stream.send(stream.next_s + offset_s).cause
        assert stream.good()[0].cause == ""


def test_a_zero_is_refused_however_often_it_comes():
    stream = Stream()
    verdicts = [stream.send(0) for _ in range(6)]
    assert {one.cause for one in verdicts} == {"stamp of zero"}
    assert "stamps to 'arrival'" in verdicts[0].refusal
    assert stream.good()[0].cause == ""


@pytest.mark.parametrize(("sec", "nanosec"), [(-5, 0), (5, 2**32 - 1), (-(2**31), 10**9)])
def test_what_is_no_time_is_refused(sec, nanosec):
    verdict = Stream().guard.check(SimpleNamespace(sec=sec, nanosec=nanosec), 99.0)
    assert verdict.cause == "broken stamp"
    assert str(sec) in verdict.refusal


def test_disorder_and_repetition_have_names_of_their_own():
    stream = Stream()
    assert stream.send(stream.next_s - PERIOD_S).cause == "repeated stamp"
    late = stream.send(stream.next_s - 2 * PERIOD_S)
    assert (late.cause, "100 ms before" in late.refusal) == ("stamp out of order", True)
    assert stream.good()[0].cause == ""


def test_a_pause_of_the_sensor_is_a_pause():
    stream = Stream()
    assert stream.send(stream.next_s + 60.0, waited_s=60.0).cause == ""


def test_a_recording_that_is_played_fast_has_gaps_in_its_stamps():
    stream = Stream(0)
    for index in range(20):
        assert stream.send(WALL_S + 5.0 * index, waited_s=0.01).cause == ""


def test_a_short_recording_that_starts_over_is_followed():
    stream = Stream(12)
    again = [stream.send(WALL_S + index * PERIOD_S) for index in range(12)]
    assert [one.cause for one in again[:2]] == ["stamp far from its neighbours"] * 2
    assert again[2].jump_s == pytest.approx(-0.9, abs=0.01)
    assert [one.cause for one in again[2:]] == [""] * 10


def test_a_wrong_first_stamp_is_overcome():
    stream = Stream(0)
    stream.send(WALL_S + 1e6)
    causes = [one.cause for one in (stream.send(WALL_S + i * PERIOD_S) for i in range(6))]
    assert causes[2:] == [""] * 4


def test_the_believed_stamps_increase_between_jumps():
    generator = np.random.default_rng(0)
    for _ in range(30):
        stream, last_ns = Stream(), 0
        for _ in range(200):
            kind = generator.random()
            sigma_s = 10.0 ** generator.integers(-2, 9)
            offset_s = 0.0 if kind < 0.8 else float(generator.normal(0, sigma_s))
            stream.next_s += PERIOD_S
            verdict = stream.send(max(0.0, stream.next_s + offset_s))
            if not verdict.cause:
                assert verdict.jump_s or verdict.stamp_ns > last_ns
                last_ns = verdict.stamp_ns
