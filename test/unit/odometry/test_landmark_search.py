from dataclasses import replace

import numpy as np
import torch
from point_world import CAMERA, K, room

from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.landmark_search import find_landmarks
from aliked_ros.odometry.matched_views import MatchedViews


def setting(shift_px=0.0):
    """A view, its true points, and another sighting of them whose descriptors are the same."""
    world = room(count=400)
    features, depths = world.see(np.eye(4))
    view = make_view(0, features, CAMERA, depths, 1e-3).at(np.eye(4), np.zeros((6, 6)))
    points = np.column_stack([view.xy, np.ones(len(depths))]) * depths[:, None]
    points[:, 0] += shift_px * depths / K[0, 0]
    return view, points


def find(view, points, descriptors=None, radius_px=3.0):
    descriptors = view.features.descriptors if descriptors is None else descriptors
    index = np.arange(len(points))
    # Trusted pairs that are a little less than equal, as real ones are.
    worn = torch.nn.functional.normalize(view.features.descriptors + 0.02, dim=1)
    reference = replace(view, features=replace(view.features, descriptors=worn))
    trusted = MatchedViews(reference, view, np.column_stack([index[:20], index[:20]]))
    sightings = np.zeros_like(index), index
    return find_landmarks(points, [descriptors], sightings, trusted, K, radius_px)


def test_landmarks_are_found_where_they_are_expected():
    view, points = setting()
    found = find(view, points)
    assert len(found) > 0.95 * len(points)
    np.testing.assert_array_equal(found[:, 0], found[:, 1])


def test_a_landmark_too_far_away_is_not_found_though_it_looks_the_same():
    view, points = setting(shift_px=5.0)
    assert (find(view, points)[:, 0] == find(view, points)[:, 1]).sum() == 0


def test_a_landmark_that_looks_different_is_not_found_though_it_is_there():
    view, points = setting()
    strangers = torch.nn.functional.normalize(
        torch.randn(len(points), 64, generator=torch.Generator().manual_seed(1)), dim=1
    )
    assert len(find(view, points, strangers)) == 0


def test_landmarks_behind_the_camera_and_none_at_all_are_no_error():
    view, points = setting()
    assert len(find(view, -points)) == 0
    assert len(find(view, points[:0])) == 0
