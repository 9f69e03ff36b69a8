from aliked_ros.nodes.base.gaps import GapCounter


def test_numbers_that_are_missing_are_counted():
    gaps = GapCounter()
    assert [gaps.count(number) for number in (7, 8, 12, 13)] == [0, 0, 3, 0]


def test_a_publisher_that_starts_over_has_lost_nothing():
    gaps = GapCounter()
    assert [gaps.count(number) for number in (100, 1, 2)] == [0, 0, 0]


def test_numbers_of_several_publishers_and_unknown_numbers_say_nothing():
    gaps = GapCounter()
    gaps.is_single = False
    assert [gaps.count(number) for number in (1, 50, 2, 51)] == [0, 0, 0, 0]
    gaps.is_single = True
    assert [gaps.count(number) for number in (None, 90, None, 95)] == [0, 0, 0, 0]
