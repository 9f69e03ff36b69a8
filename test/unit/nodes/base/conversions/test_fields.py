import numpy as np
import pytest
import torch

pytest.importorskip("builtin_interfaces", reason="ROS is not installed: run make install")

from aliked_ros.nodes.base.conversions.fields import flat, ns_to_stamp, stamp_to_ns


@pytest.mark.parametrize("stamp_ns", [0, 1, 999_999_999, 10**9, 1_700_000_000_123_456_789])
def test_stamps_are_exact(stamp_ns):
    assert stamp_to_ns(ns_to_stamp(stamp_ns)) == stamp_ns


def test_values_are_laid_out_row_by_row():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert flat("f", values).tolist() == [0, 1, 2, 3, 4, 5]
    assert flat("f", values.T).tolist() == [0, 3, 1, 4, 2, 5]
    assert flat("f", torch.from_numpy(values)).tolist() == [0, 1, 2, 3, 4, 5]


def test_nothing_is_an_empty_array():
    assert flat("f", np.zeros((0, 2), np.float32)).tolist() == []
