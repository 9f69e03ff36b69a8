"""Items cross to another process unchanged, and a cut one is the end."""

import io

import numpy as np
import pytest

from aliked_ros.view.wire import read_item, write_item

ITEM = {
    "stamp_ns": 1_700_000_000_123_456_789,
    "image": np.arange(24, dtype=np.uint8).reshape(2, 4, 3),
    "T_world_body": np.linspace(0, 1, 16).reshape(4, 4),
    "empty": np.zeros((0, 2), np.float32),
    "names": ["a/b", "grün"],
    "state": "lost",
    "is_measured": False,
}


def test_arrays_numbers_and_texts_come_back_as_they_were():
    stream = io.BytesIO()
    write_item(stream, ITEM)
    write_item(stream, {"stamp_ns": 2})
    stream.seek(0)
    item = read_item(stream)
    assert item.keys() == ITEM.keys()
    for name, value in ITEM.items():
        np.testing.assert_array_equal(item[name], np.asarray(value))
        assert item[name].dtype == np.asarray(value).dtype
    assert int(read_item(stream)["stamp_ns"]) == 2
    assert read_item(stream) is None


@pytest.mark.parametrize("length", [3, 8, 40])
def test_an_item_that_is_cut_off_is_the_end(length):
    stream = io.BytesIO()
    write_item(stream, ITEM)
    assert read_item(io.BytesIO(stream.getvalue()[:length])) is None


def test_nothing_that_could_run_code_is_read():
    stream = io.BytesIO()
    write_item(stream, {"names": np.array([object()])})
    stream.seek(0)
    with pytest.raises(ValueError, match="allow_pickle"):
        read_item(stream)
