import numpy as np

from aliked_ros.datasets.readers.bag_stamps import believable

STEP_NS = 33_000_000
START_NS = 1_700_000_000 * 10**9


def _table(num=20, **changes):
    """Return stamps and times of recording 5 ms later; changes: row -> stamp."""
    stamps_ns = START_NS + STEP_NS * np.arange(num)
    recorded_ns = stamps_ns + 5_000_000
    for row, stamp_ns in changes.items():
        stamps_ns[int(row[1:])] = stamp_ns
    return np.column_stack([stamps_ns, recorded_ns])


def test_good_stamps_are_believed_without_a_word():
    table, remarks = believable("/image", _table())
    np.testing.assert_array_equal(table, _table())
    assert remarks == []


def test_single_zeros_are_left_out_and_counted():
    table, remarks = believable("/image", _table(_0=0, _7=0))
    assert len(table) == 18
    assert "2 of 20 stamps of /image are zero" in remarks[0]
    assert "--stamps recorded" in remarks[0]


def test_one_stamp_far_from_its_neighbours_is_left_out():
    table, remarks = believable("/image", _table(_7=START_NS + 10**12))
    assert len(table) == 19
    assert "1 of 20 stamps of /image are up to 1000 s from the others" in remarks[0]


def test_a_clock_that_was_set_is_believed():
    late = {f"_{row}": START_NS + 10**12 + row * STEP_NS for row in range(10, 20)}
    table, remarks = believable("/image", _table(**late))
    assert len(table) == 20
    assert remarks == []


def test_repeated_stamps_are_left_out_and_counted():
    table, remarks = believable("/image", _table(_7=START_NS + 6 * STEP_NS))
    assert len(table) == 19
    assert "1 of 20 messages of /image repeat a stamp" in remarks[0]


def test_a_topic_without_messages_has_no_stamps():
    table, remarks = believable("/image", np.zeros((0, 2), np.int64))
    assert len(table) == 0
    assert remarks == []


def test_a_clock_that_goes_back_is_said():
    table = _table(20)
    table[10:, 0] -= 3 * 10**9
    believed, remarks = believable("/image", table)
    assert len(believed) == 20
    assert "go back by up to 3.0 s in 1 places" in remarks[0]
    assert "--stamps recorded" in remarks[0]


def test_stamps_that_are_no_time_are_left_out_and_counted():
    table, remarks = believable("/image", _table(_4=-1))
    assert len(table) == 19
    assert "1 of 20 stamps of /image are no time" in remarks[0]


def test_where_no_stamp_is_a_time_those_of_recording_count():
    before = _table()
    before[:, 0] = -1
    table, remarks = believable("/image", before)
    np.testing.assert_array_equal(table[:, 0], before[:, 1])
    assert "all 20 are no time" in remarks[0]
