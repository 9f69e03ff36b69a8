import numpy as np
import pytest
from both_ways import BOTH

from aliked_ros.geometry.place_search import find_near

SIZE = (48, 64)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scene(seed=0, num=60, num_keypoints=300, size=(480, 640)):
    """Points that belong to the first keypoints, up to noise, among others."""
    generator = np.random.default_rng(seed)
    keypoints = generator.uniform(0, size[::-1], (num_keypoints, 2))
    descriptors = unit(generator.normal(size=(num_keypoints, 32)))
    sought = unit(descriptors[:num] + 0.03 * generator.normal(size=(num, 32)))
    places = keypoints[:num] + generator.uniform(-4, 4, (num, 2))
    return sought, places, keypoints, descriptors, size


def obvious(sought, places, radius, keypoints, descriptors):
    """Return what `find_near` promises, one comparison at a time."""
    near = [
        [k for k, at in enumerate(keypoints) if np.hypot(*(at - place)) <= radius]
        for place in places
    ]
    likes = sought @ descriptors.T
    partner, similarity = [], []
    for p, candidates in enumerate(near):
        if not candidates:
            partner.append(-1)
            similarity.append(-2)
            continue
        best = max(candidates, key=lambda k: likes[p, k])
        rivals = [q for q, others in enumerate(near) if best in others]
        is_mutual = max(rivals, key=lambda q: likes[q, best]) == p
        partner.append(best if is_mutual else -1)
        similarity.append(likes[p, best])
    return partner, similarity


@BOTH
@pytest.mark.parametrize("radius_px", [0.0, 3.0, 20.0, 5000.0, np.inf])
def test_every_point_gets_the_keypoint_that_a_plain_search_finds(with_compiled, radius_px):
    sought, places, keypoints, descriptors, size = scene()
    partner, similarity = find_near(
        sought, places, radius_px, keypoints, descriptors, size, with_compiled=with_compiled
    )
    expected, likes = obvious(sought, places, radius_px, keypoints, descriptors)
    np.testing.assert_array_equal(partner, expected)
    np.testing.assert_allclose(similarity, likes, atol=1e-6)
    assert partner.dtype == np.int64
    if radius_px >= 20:
        np.testing.assert_array_equal(partner, np.arange(len(places)))


@BOTH
def test_points_may_be_rows_of_a_larger_table(with_compiled):
    sought, places, keypoints, descriptors, size = scene()
    table = np.concatenate([np.zeros((7, 32)), sought[::-1]])
    rows = len(table) - 1 - np.arange(len(sought))
    partner, similarity = find_near(
        table, places, 20.0, keypoints, descriptors, size, rows=rows, with_compiled=with_compiled
    )
    np.testing.assert_array_equal(partner, np.arange(len(sought)))
    np.testing.assert_allclose(similarity, (sought * descriptors[:60]).sum(axis=1), atol=1e-6)


@pytest.mark.parametrize("row", [-1, 60])
def test_a_row_outside_the_table_is_refused(row):
    sought, places, *rest = scene()
    with pytest.raises(ValueError, match="give rows of sought, 0 to 59"):
        find_near(sought, places[:1], 5.0, *rest, rows=np.array([row]))


@BOTH
def test_of_two_points_the_more_similar_one_keeps_the_keypoint(with_compiled):
    descriptors = unit(np.array([[1.0, 0.0]]))
    sought = unit(np.array([[1.0, 0.3], [1.0, 0.1], [1.0, 0.1]]))
    places = np.full((3, 2), 10.0)
    partner, similarity = find_near(
        sought, places, 2.0, np.full((1, 2), 10.0), descriptors, SIZE, with_compiled=with_compiled
    )
    assert partner.tolist() == [-1, 0, -1]  # the first of equals
    np.testing.assert_allclose(similarity, sought[:, 0], atol=1e-6)


@BOTH
def test_of_equal_keypoints_the_first_is_found_wherever_it_lies(with_compiled):
    keypoints = np.array([[40.0, 40.0], [10.0, 10.0], [40.0, 10.0]])  # the first, in the last cell
    descriptors = np.tile([[1.0, 0.0]], (3, 1))
    partner, _ = find_near(
        descriptors[:1], np.array([[25.0, 25.0]]), 50.0, keypoints, descriptors, SIZE,
        with_compiled=with_compiled,
    )  # fmt: skip
    assert partner.tolist() == [0]


@BOTH
@pytest.mark.parametrize(
    ("place", "keypoint", "is_found"),
    [
        ((1000.0, 20.0), (1001.0, 20.0), True),  # both right of the image
        ((-900.0, -900.0), (-901.0, -899.0), True),
        ((63.0, 47.0), (66.0, 49.0), True),
        ((1e30, 20.0), (63.0, 20.0), False),
        ((-3e38, 3e38), (1.0, 1.0), False),
        ((1.0, 1.0), (3e38, -3e38), False),
        ((np.nan, 20.0), (20.0, 20.0), False),
        ((np.inf, 20.0), (np.inf, 20.0), False),
        ((20.0, 20.0), (20.0, np.nan), False),
    ],
)
def test_places_far_away_or_nowhere_are_safe(with_compiled, place, keypoint, is_found):
    descriptors = np.array([[1.0, 0.0], [0.6, 0.8]])
    partner, similarity = find_near(
        descriptors[:1], np.array([place]), 5.0, np.array([keypoint, (30.0, 2.0)]), descriptors,
        SIZE, with_compiled=with_compiled,
    )  # fmt: skip
    assert partner.tolist() == [0 if is_found else -1]
    assert similarity.tolist() == [1 if is_found else -2]


@BOTH
def test_a_descriptor_with_nan_is_like_nothing(with_compiled):
    descriptors = np.array([[np.nan, 0.0], [0.6, 0.8]])
    sought = np.array([[0.6, 0.8], [np.nan, np.nan]])
    places = np.full((2, 2), 5.0)
    partner, similarity = find_near(
        sought, places, 9.0, places, descriptors, SIZE, with_compiled=with_compiled
    )
    assert partner.tolist() == [1, -1]
    np.testing.assert_allclose(similarity, [1, -2], atol=1e-6)


@BOTH
@pytest.mark.parametrize(("num", "num_keypoints"), [(0, 0), (0, 5), (5, 0)])
def test_nothing_sought_or_nothing_there_gives_no_partner(with_compiled, num, num_keypoints):
    partner, similarity = find_near(
        np.zeros((num, 8)), np.zeros((num, 2)), 5.0, np.zeros((num_keypoints, 2)),
        np.zeros((num_keypoints, 8)), SIZE, with_compiled=with_compiled,
    )  # fmt: skip
    assert partner.tolist() == [-1] * num
    assert similarity.tolist() == [-2] * num


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({1: np.zeros((3, 2))}, r"places_px has shape \(3, 2\)"),
        ({2: -1.0}, "radius_px is -1.0: give a distance of at least 0 px"),
        ({2: np.nan}, "radius_px is nan"),
        ({3: np.zeros((4, 2))}, r"keypoints_px has shape \(4, 2\)"),
        ({4: np.zeros((5, 4))}, r"descriptors has shape \(5, 4\)"),
        ({5: (0, 64)}, r"image_size is \(0, 64\)"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, reason):
    given = [np.zeros((2, 8)), np.zeros((2, 2)), 5.0, np.zeros((5, 2)), np.zeros((5, 8)), SIZE]
    for place, value in changes.items():
        given[place] = value
    with pytest.raises(ValueError, match=reason):
        find_near(*given)
