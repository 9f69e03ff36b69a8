import numpy as np
import torch
from point_world import CAMERA, room

from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.place_search import find_near, least_similarity


def view():
    features, depths_m = room(count=300).see(np.eye(4))
    return make_view(0, features, CAMERA, depths_m, 1e-3)


def test_the_most_similar_keypoint_near_the_place_is_found():
    seen = view()
    pairs, similarities = find_near(seen.features.descriptors, seen.pixels, seen, 2.0)
    np.testing.assert_array_equal(pairs, np.column_stack([np.arange(len(pairs))] * 2))
    np.testing.assert_allclose(similarities, 1, atol=1e-6)


def test_a_twin_outside_the_radius_is_out_of_the_question():
    seen = view()
    away = seen.pixels + np.array([5.0, 0.0])
    assert len(find_near(seen.features.descriptors, away, seen, 2.0)[0]) < 0.05 * len(away)
    assert len(find_near(seen.features.descriptors, away, seen, 6.0)[0]) > 0.9 * len(away)


def test_each_is_found_once_and_points_without_a_near_keypoint_not_at_all():
    seen = view()
    twice = torch.cat([seen.features.descriptors[:5]] * 2)
    places = np.vstack([seen.pixels[:5]] * 2)
    pairs, _ = find_near(twice, places, seen, 2.0)
    assert len(np.unique(pairs[:, 1])) == len(pairs) == 5
    assert len(find_near(twice, places - 5000.0, seen, 2.0)[0]) == 0


def test_a_keypoint_without_a_place_is_not_found():
    seen = view()
    places = seen.pixels.copy()
    seen.pixels[7] = np.nan
    pairs, _ = find_near(seen.features.descriptors, places, seen, 2.0)
    assert 7 not in pairs[:, 1]


def test_nine_in_ten_trusted_pairs_are_more_alike_than_the_limit():
    seen = view()
    index = np.arange(80)

    def limit(num_wrong):
        other = np.concatenate([np.roll(index[:num_wrong], 1), index[num_wrong:]])
        return least_similarity(seen, seen, np.column_stack([index, other]))

    assert limit(0) > 0.999
    assert limit(4) > 0.999
    assert limit(16) < 0.5
