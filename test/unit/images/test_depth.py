import numpy as np
import pytest

from aliked_ros.images import DEPTH_ENCODINGS, ImageError, decode_depth, implausible_depth


def test_depth_in_millimetres_becomes_metres_with_nan_where_unknown():
    raw = np.array([[0, 1500, 65535]], np.uint16)
    np.testing.assert_array_equal(
        decode_depth(raw.tobytes(), 1, 3, "16UC1", 6), np.float32([[np.nan, 1.5, np.nan]])
    )


def test_depth_in_metres_loses_what_is_not_positive_and_finite():
    raw = np.array([[0.0, 2.5, np.inf, np.nan, -1.0]], np.float32)
    depth_m = decode_depth(raw.tobytes(), 1, 5, "32FC1", 20)
    np.testing.assert_array_equal(depth_m, np.float32([[np.nan, 2.5, np.nan, np.nan, np.nan]]))


def test_unknown_depth_encoding_lists_what_works():
    with pytest.raises(ImageError, match="32FC1") as caught:
        decode_depth(bytes(12), 1, 3, "rgb8", 12)
    assert all(name in str(caught.value) for name in DEPTH_ENCODINGS)


def test_another_unit_may_be_given():
    tenths_of_mm = np.array([[0, 15000, 65535]], np.uint16).tobytes()
    depth_m = decode_depth(tenths_of_mm, 1, 3, "16UC1", 6, depth_scale=1e-4)
    np.testing.assert_allclose(depth_m, [[np.nan, 1.5, np.nan]], rtol=1e-6)
    mm = np.array([[np.nan, 1500.0, 0.0]], np.float32).tobytes()
    depth_m = decode_depth(mm, 1, 3, "32FC1", 12, depth_scale=1e-3)
    np.testing.assert_allclose(depth_m, [[np.nan, 1.5, np.nan]], rtol=1e-6)


@pytest.mark.parametrize(
    ("median_m", "words"),
    [
        (1.5, []),
        (80.0, []),
        (1500.0, ["median depth is 1500 m", "32FC1 is in metres", "depth_scale", "0.001"]),
        (0.0015, ["median depth is 0.0015 m", "depth_scale"]),
    ],
)
def test_a_median_depth_that_no_camera_sees_is_named(median_m, words):
    depth_m = np.full((48, 64), median_m, np.float32)
    depth_m[:10] = np.nan
    said = implausible_depth(depth_m)
    assert bool(said) == bool(words)
    assert all(word in said for word in words)


def test_a_depth_image_without_any_depth_is_named():
    assert "none of its pixels" in implausible_depth(np.full((48, 64), np.nan, np.float32))


def test_a_depth_image_with_too_many_pixels_is_refused():
    with pytest.raises(ImageError, match="max_megapixels is 1e-06"):
        decode_depth(bytes(12), 1, 3, "32FC1", 12, max_megapixels=1e-6)
