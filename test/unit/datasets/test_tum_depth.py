import numpy as np

from aliked_ros.datasets import tum_depth


def test_depth_comes_back_to_the_nearest_unit():
    depth_m = np.linspace(0.001, 13, 100, dtype=np.float32).reshape(10, 10)
    again = tum_depth.to_metres(tum_depth.to_units(depth_m))
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, depth_m, atol=0.5001 / tum_depth.UNITS_PER_M)


def test_missing_depth_and_depth_beyond_sixteen_bits_is_no_depth():
    units = tum_depth.to_units(np.array([[np.nan, 13.2, 1.0]], np.float32))
    assert units.tolist() == [[0, 0, 5000]]
    np.testing.assert_array_equal(tum_depth.to_metres(units), np.float32([[np.nan, np.nan, 1]]))
