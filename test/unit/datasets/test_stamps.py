import numpy as np
import pytest

from aliked_ros.datasets import stamps


def test_seconds_keep_every_nanosecond():
    assert stamps.seconds_to_ns("1403715276.262142976") == 1403715276262142976
    assert stamps.seconds_to_ns("1.036910e+00") == 1036910000
    assert stamps.seconds_to_ns("0") == 0


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf"])
def test_a_stamp_that_is_no_number_is_named_in_the_error(text):
    with pytest.raises(ValueError, match="stamp is"):
        stamps.seconds_to_ns(text)


def test_nanoseconds_are_written_with_nine_decimals():
    assert stamps.ns_to_seconds(1403715276262142976) == "1403715276.262142976"
    assert stamps.ns_to_seconds(5) == "0.000000005"
    assert stamps.ns_to_seconds(-1_500_000_000) == "-1.500000000"


def test_a_rate_counts_from_zero_without_drift():
    counted = stamps.at_rate(91, 30.0)
    assert counted[0] == 0
    assert counted[90] == 3_000_000_000
    assert counted[1] == 33_333_333


def test_a_rate_must_be_positive():
    with pytest.raises(ValueError, match="rate is 0"):
        stamps.at_rate(3, 0.0)


def test_increasing_sorts_and_keeps_the_first_of_equal_stamps():
    assert stamps.increasing(np.array([5, 3, 5, 4])).tolist() == [1, 3, 0]


def test_the_nearest_partner_within_the_tolerance_is_found():
    partners = stamps.nearest(np.array([100, 200, 300]), np.array([90, 205, 360]), 20)
    assert partners.tolist() == [0, 1, -1]


def test_a_partner_serves_only_one_stamp():
    partners = stamps.nearest(np.array([100, 110]), np.array([106]), 20)
    assert partners.tolist() == [-1, 0]


def test_no_partners_at_all_gives_none_for_each():
    assert stamps.nearest(np.array([1, 2]), np.zeros(0, np.int64), 5).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1305031102000000000", "seconds, not milliseconds or nanoseconds"),
        ("1305031102000", "the year 43"),
        ("1e300", "no time"),
        ("-1e12", "seconds, not"),
    ],
)
def test_a_stamp_in_another_unit_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        stamps.seconds_to_ns(text)


def test_whole_nanoseconds_fit_64_bits():
    assert stamps.whole_ns("1403715276262142976") == 1403715276262142976
    for text in ("99999999999999999999", "1.5", "-3", ""):
        with pytest.raises(ValueError, match="stamp is"):
            stamps.whole_ns(text)


def test_single_stamps_far_from_all_others_are_found():
    usual = 10**18 + 10**8 * np.arange(20)
    assert not stamps.are_far(usual).any()
    assert stamps.are_far(np.concatenate([[0], usual])).tolist() == [True] + [False] * 20
    assert stamps.are_far(np.concatenate([usual, [9 * 10**18]])).sum() == 1
    # Several that agree are a jump of time; few pictures a minute are how it was recorded.
    assert not stamps.are_far(np.concatenate([usual[:10], usual[10:] + 10**13])).any()
    assert not stamps.are_far(10**18 + 6 * 10**10 * np.arange(9)).any()
