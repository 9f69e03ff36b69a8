import numpy as np
import torch
from point_world import CAMERA, match_views, room, sideways

from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.structs import Matches


def views():
    world = room(count=300)
    sightings = [world.see(T) for T in (np.eye(4), sideways(4)[-1])]
    return [make_view(k, f, CAMERA, depths_m, 1e-3) for k, (f, depths_m) in enumerate(sightings)]


def test_a_keypoint_without_a_place_in_the_rectified_image_has_no_pair():
    view0, view1 = views()
    view0.pixels[3] = np.nan
    indices = torch.tensor([[2, 5], [3, 6], [4, 7]])
    matched = MatchedViews.of(view0, view1, Matches(indices, torch.ones(3)))
    np.testing.assert_array_equal(matched.pairs, [[2, 5], [4, 7]])
    assert len(MatchedViews.of(view0, view1, None)) == 0


def test_rows_of_both_views_belong_together():
    matched = match_views(*views()).select(slice(10, 30))
    assert len(matched) == 20
    for side, view, index in (
        (0, matched.view0, matched.index0),
        (1, matched.view1, matched.index1),
    ):
        np.testing.assert_array_equal(matched.pixels[side], view.pixels[index])
        np.testing.assert_array_equal(matched.xy[side], view.xy[index])
        np.testing.assert_allclose(np.linalg.norm(matched.rays[side], axis=1), 1)
    np.testing.assert_array_equal(
        matched.inverse_depth0, matched.view0.inverse_depth[matched.index0]
    )


def test_pairs_show_the_same_point_and_their_displacement_is_that_of_the_image():
    matched = match_views(*views())
    assert len(matched) > 50
    rows0, rows1 = (torch.from_numpy(index) for index in (matched.index0, matched.index1))
    shown0, shown1 = matched.view0.features.descriptors, matched.view1.features.descriptors
    assert torch.equal(shown0[rows0], shown1[rows1])
    pixels0, pixels1 = matched.pixels
    np.testing.assert_allclose(matched.displacement_px**2, ((pixels1 - pixels0) ** 2).sum(axis=1))
