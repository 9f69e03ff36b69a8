import pytest

from aliked_ros.nodes.base.causes import MAX_LENGTH, Causes, printable


@pytest.fixture
def causes():
    said = []
    made = Causes(said.append)
    made.said = said
    return made


def test_a_cause_is_said_once_whatever_its_numbers(at, causes):
    for index in range(100):
        causes.note("depth", f"nearest depth is {16 + index} ms off, sync_slop_s is 10 ms")
    assert causes.said == ["nearest depth is 16 ms off, sync_slop_s is 10 ms"]
    causes.note("depth", "the depth image has 3 bytes")
    assert len(causes.said) == 2


def test_a_cause_that_goes_on_is_said_again_with_how_often(at, causes):
    for second in range(70):
        at(second)
        causes.note("x", f"stamp {second} is bad")
    assert causes.said == [
        "stamp 0 is bad",
        "stamp 60 is bad (60 times since this was said last)",
    ]


def test_names_in_quotes_tell_causes_apart(at, causes):
    for name in ("8SC1", "16SC1"):
        causes.note("undecodable", f"encoding is {name!r}")
    assert len(causes.said) == 2


def test_whoever_invents_a_new_text_each_time_is_not_listened_to_for_ever(at, causes):
    for index in range(1000):
        causes.note("undecodable", f"encoding is 'x{index}'")
    assert len(causes.said) < 20
    causes.note("another", "something else")
    assert causes.said[-1] == "something else"


def test_what_others_send_becomes_one_line_of_bounded_length():
    assert printable("a\nb\x00c\td") == "a b c d"
    assert len(printable("é" * 10_000)) == MAX_LENGTH
