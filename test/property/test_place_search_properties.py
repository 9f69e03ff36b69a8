import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aliked_ros.geometry.place_search import find_near
from aliked_ros.native import load_library

pytestmark = pytest.mark.skipif(load_library() is None, reason="the kernels are not built")
# Whole numbers: what floats make of them is exact, so that equals are equal in both.
coordinates = st.one_of(st.integers(-40, 120).map(float), st.sampled_from([np.nan, 1e30, -np.inf]))
rows = st.integers(0, 12)


@st.composite
def searches(draw):
    num, num_keypoints = draw(rows), draw(rows)
    return (
        draw(arrays(np.float64, (num, 3), elements=st.integers(-1, 1).map(float))),
        draw(arrays(np.float64, (num, 2), elements=coordinates)),
        draw(st.sampled_from([0.0, 5.0, 17.0, 60.0, np.inf])),
        draw(arrays(np.float64, (num_keypoints, 2), elements=coordinates)),
        draw(arrays(np.float64, (num_keypoints, 3), elements=st.integers(-1, 1).map(float))),
        draw(st.sampled_from([(1, 1), (64, 80), (33, 47)])),
    )


@settings(max_examples=200, deadline=None)
@given(searches())
def test_the_compiled_search_finds_what_the_reference_finds(search):
    found, expected = find_near(*search), find_near(*search, with_compiled=False)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@settings(max_examples=50, deadline=None)
@given(searches())
def test_no_keypoint_has_two_partners_and_each_is_near(search):
    _, places, radius, keypoints, _, _ = search
    partner, _ = find_near(*search)
    points = np.flatnonzero(partner >= 0)
    assert len(set(partner[points])) == len(points)
    off = places[points] - keypoints[partner[points]]
    assert (np.hypot(*off.T) <= radius).all()
