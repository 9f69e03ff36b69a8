import numpy as np
import pytest

from aliked_ros.plotting import plot_trajectory

STAMPS_NS = np.arange(20) * 100_000_000
PATH = np.column_stack([np.linspace(0, 3, 20), np.zeros(20), np.linspace(0, 9, 20)])


def test_an_estimate_is_drawn_with_and_without_ground_truth():
    alone = plot_trajectory(STAMPS_NS, PATH, title="walk", unit="units")
    beside = plot_trajectory(STAMPS_NS, PATH, PATH + 0.1, title="walk")
    for picture in (alone, beside):
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    assert beside.shape[1] > alone.shape[1]


@pytest.mark.parametrize("count", [0, 1])
def test_a_path_of_no_length_is_drawn_too(count):
    assert plot_trajectory(STAMPS_NS[:count], PATH[:count]).size > 0


def test_the_input_is_left_as_it_is():
    before = PATH.copy()
    plot_trajectory(STAMPS_NS, PATH, PATH)
    np.testing.assert_array_equal(PATH, before)
