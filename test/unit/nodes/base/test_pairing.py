import numpy as np
import pytest

from aliked_ros.nodes.base.pairing import Pairing, PartnerTopic

MS = 1_000_000


class Pairs:
    """A pairing, and what it has handed on: items, partners and what is missing."""

    def __init__(self, *slops_ms, wait_s=0.3, queue_size=5):
        self.sets, self.notes = [], []
        names = ["/depth", "/right"][: len(slops_ms)]
        topics = [PartnerTopic(n, ms / 1000) for n, ms in zip(names, slops_ms, strict=True)]
        self.pairing = Pairing(topics, wait_s, queue_size, self.sets.append, self.notes.append)

    def item(self, ms, now_s=0.0, **more):
        self.pairing.add(f"i{ms}", ms * MS, now_s, **more)

    def partner(self, ms, now_s=0.0, index=0, **more):
        self.pairing.add_partner(index, f"p{ms}", ms * MS, now_s, **more)

    @property
    def pairs(self):
        return [(one.item, *one.partners) for one in self.sets]

    @property
    def missing(self):
        return [one.missing for one in self.sets]


def test_stamps_within_the_slop_are_paired_in_either_order():
    made = Pairs(20)
    made.item(1000)
    made.partner(1020)
    made.partner(2000)
    made.item(1990)
    assert made.pairs == [("i1000", "p1020"), ("i1990", "p2000")]
    assert made.missing == ["", ""]


def test_an_item_without_a_partner_goes_on_as_soon_as_none_can_come():
    made = Pairs(10)
    made.item(1000)
    made.partner(1016)
    assert made.pairs == [("i1000", None)]
    assert made.missing == ["nearest /depth is 16 ms off, sync_slop_s is 10 ms"]


def test_an_item_goes_on_when_it_has_waited_long_enough():
    made = Pairs(10, wait_s=0.3)
    made.item(1000, now_s=5.0)
    made.pairing.tick(5.29)
    assert made.pairs == []
    made.pairing.tick(5.31)
    assert made.pairs == [("i1000", None)]
    assert made.missing == ["nothing has come on /depth yet"]


def test_items_keep_their_order_while_they_wait():
    made = Pairs(10)
    for ms in (1000, 1033, 1066):
        made.item(ms)
    made.partner(1033)
    assert made.pairs == [("i1000", None), ("i1033", "p1033")]
    made.partner(1066)
    assert made.pairs[2:] == [("i1066", "p1066")]


def test_a_partner_that_comes_too_late_is_said_with_how_late():
    made = Pairs(10, wait_s=0.3)
    made.item(1000, now_s=5.0)
    made.pairing.tick(5.5)
    made.partner(1000, now_s=5.61)
    assert made.notes == ["/depth comes 0.61 s after its partner, sync_wait_s is 0.3 s"]
    assert made.pairs == [("i1000", None)]


def test_a_partner_is_used_once():
    made = Pairs(40)
    made.partner(1000)
    made.item(990)
    made.item(1010)
    made.partner(1060)
    assert made.pairs == [("i990", "p1000"), ("i1010", None)]


def test_partners_of_another_clock_hold_nothing_up():
    made = Pairs(10)
    for index in range(70):
        made.partner(3_600_000 + 33 * index)
        made.item(1033 + 33 * index)
    assert len(made.sets) == 70
    assert made.missing[-1].startswith("nearest /depth is 3598.")
    assert made.missing[-1].endswith("s off: their clocks differ, or /depth has stopped")


@pytest.mark.parametrize("has_jumped", [True, False])
def test_after_partners_of_the_future_those_of_the_present_are_found(has_jumped):
    made = Pairs(10)
    for index in range(70):
        made.partner(3_600_000 + 33 * index)
    made.sets.clear()
    for index in range(3):
        made.partner(1000 + 33 * index, has_jumped=has_jumped and index == 0)
        made.item(1000 + 33 * index)
    assert made.pairs == [(f"i{1000 + 33 * i}", f"p{1000 + 33 * i}") for i in range(3)]


def test_when_time_goes_back_partners_of_the_future_are_forgotten():
    made = Pairs(10)
    for index in range(3):
        made.partner(90_000 + 33 * index)
    made.item(1000, has_jumped=True)
    assert made.pairs == []  # its own partner may still come
    made.partner(1000, has_jumped=True)
    assert made.pairs == [("i1000", "p1000")]


def test_two_topics_must_both_have_a_partner():
    made = Pairs(0, 10)
    made.item(1000)
    made.partner(1000, index=0)
    assert made.pairs == []
    made.partner(1003, index=1)
    assert made.pairs == [("i1000", "p1000", "p1003")]
    made.item(2000)
    made.partner(2001, index=0)
    made.partner(2000, index=1)
    assert made.pairs[-1] == ("i2000", None, "p2000")
    assert made.missing[-1] == "nearest /depth is 1 ms off, stamps must be equal"


def test_queues_are_bounded_and_the_oldest_goes_on():
    made = Pairs(10, queue_size=3)
    for index in range(8):
        made.item(1000 + 33 * index)
    assert [item for item, _ in made.pairs] == [f"i{1000 + 33 * index}" for index in range(5)]
    assert len(made.pairing) == 3
    made.pairing.clear()
    assert len(made.pairs) == 8


def test_without_partner_topics_items_go_on_at_once():
    made = Pairs()
    made.item(1000)
    assert made.pairs == [("i1000",)]


def test_whatever_comes_every_item_goes_on_once_in_order_and_with_partners_in_the_slop():
    generator = np.random.default_rng(0)
    for _ in range(50):
        made = Pairs(10, 5, queue_size=4)
        now_s, sent = 0.0, []
        for _ in range(100):
            now_s += generator.exponential(0.02)
            ms = int(1000 + now_s * 1000 + generator.integers(-200, 200))
            if generator.random() < 0.4:
                made.item(ms, now_s, has_jumped=generator.random() < 0.05)
                sent.append(ms)
            else:
                index = int(generator.integers(2))
                made.partner(ms, now_s, index, has_jumped=generator.random() < 0.05)
        made.pairing.clear()
        assert [item for item, *_ in made.pairs] == [f"i{ms}" for ms in sent]
        for ms, (_, *partners) in zip(sent, made.pairs, strict=True):
            for partner, slop_ms in zip(partners, (10, 5), strict=True):
                assert partner is None or abs(int(partner[1:]) - ms) <= slop_ms
        assert all(one.missing or None not in one.partners for one in made.sets)


def test_slop_and_wait_may_change_and_stamps_that_must_be_equal_stay_so():
    made = Pairs(10, 0)
    made.pairing.reconfigure(0.03, 1.0)
    made.item(1000)
    made.pairing.tick(0.5)
    assert made.pairs == []
    made.partner(1025, index=0)
    made.partner(1001, index=1)
    assert made.pairs == [("i1000", "p1025", None)]
