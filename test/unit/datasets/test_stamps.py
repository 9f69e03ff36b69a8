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
