import numpy as np
import torch
from point_world import CAMERA, FRAME_NS, K, World, match_views, room, sideways
from torch.nn.functional import normalize

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import State, VisualOdometry
from aliked_ros.odometry.guided_matching import guided
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.matched_views import MatchedViews

T_1_0 = se3.exp(np.array([-0.3, 0.0, -0.2, 0.0, 0.05, 0.01]))
RADIUS_PX = 20.0


def repetitive(num_kinds=40, count=600):
    """A world whose points have only so many looks, each many times."""
    world = room(count=count)
    kinds = world.descriptors[torch.arange(count) % num_kinds]
    noise = torch.randn(kinds.shape, generator=torch.Generator().manual_seed(0))
    world.descriptors = normalize(kinds + 1e-4 * noise, dim=1)
    return world


def change_a_little(features, seed):
    """Give the descriptors some noise, as another image does."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(features.descriptors.shape, generator=generator)
    features.descriptors[:] = normalize(features.descriptors + 0.01 * noise, dim=1)


def see(world: World):
    """Two views and their mutual nearest neighbours; descriptors change a little between them."""
    views = []
    for index, T_world_view in enumerate([np.eye(4), se3.inverse(T_1_0)]):
        features, depths_m = world.see(T_world_view)
        change_a_little(features, index)
        views.append(make_view(index, features, CAMERA, depths_m, 0.004))
    matched = match_views(*views, min_similarity=0.0)
    return *views, matched.pairs


def guided_pairs(view0, view1, pairs, T_1_0, radius_px=RADIUS_PX):
    found = guided(MatchedViews(view0, view1, pairs), T_1_0, K, radius_px)
    return None if found is None else found.pairs


def num_right(view0, view1, pairs):
    """Return how many pairs are one point: its place in view 1 follows from its depth."""
    index0, index1 = pairs.T
    points = np.column_stack([view0.xy, np.ones(len(view0.pixels))])[index0]
    points = se3.transform(T_1_0, points / view0.inverse_depth[index0, None])
    pixels = points[:, :2] / points[:, 2:] * K[0, 0] + K[:2, 2]
    return int((np.linalg.norm(pixels - view1.pixels[index1], axis=1) < 2.0).sum())


def test_a_prediction_finds_pairs_that_look_alike_elsewhere():
    view0, view1, pairs = see(repetitive())
    # As half of them must agree with the prediction, wrong ones are left out here.
    right = np.array([pair for pair in pairs if num_right(view0, view1, pair[None])])
    assert len(right) < 0.6 * len(pairs)
    found = guided_pairs(view0, view1, right, T_1_0)
    assert num_right(view0, view1, found) > 1.5 * len(right)
    assert num_right(view0, view1, found) > 0.9 * len(found)


def test_given_pairs_where_they_are_expected_stay_and_others_go():
    view0, view1, pairs = see(room(count=600))
    pairs = np.array([pair for pair in pairs if num_right(view0, view1, pair[None])])
    wrong = pairs.copy()
    wrong[:40, 1] = np.roll(wrong[:40, 1], 1)
    found = guided_pairs(view0, view1, wrong, T_1_0)
    kept = {tuple(pair) for pair in found}
    assert {tuple(pair) for pair in pairs[40:]} <= kept
    assert len({tuple(pair) for pair in wrong[:40]} & kept) <= 2
    assert all(len(np.unique(column)) == len(found) for column in found.T)
    assert (np.diff(found[:, 0]) > 0).all()


def test_a_wrong_prediction_is_told():
    view0, view1, pairs = see(room(count=600))
    wrong = T_1_0 @ se3.exp(np.array([0.0, 0, 0, 0, 0.3, 0]))
    assert guided_pairs(view0, view1, pairs, wrong) is None
    assert guided_pairs(view0, view1, pairs[:0], T_1_0) is None


def test_keypoints_without_depth_keep_their_pairs():
    view0, view1, pairs = see(room(count=600))
    inverse_depth = view0.inverse_depth.copy()
    inverse_depth[::2] = np.nan
    view0 = view0.with_depth(inverse_depth, view0.depth_sigma)
    found = {tuple(pair) for pair in guided_pairs(view0, view1, pairs, T_1_0)}
    unknown = [tuple(pair) for pair in pairs if pair[0] % 2 == 0]
    assert len(set(unknown) - found) <= 2


def test_the_odometry_gets_more_support_among_points_that_look_alike():
    def num_inliers(radius):
        world = repetitive(num_kinds=120)
        config = OdometryConfig(sensor="rgbd", guided_radius_of_width=radius)
        odometry = VisualOdometry(config, MatcherConfig(), CAMERA)
        results = []
        for index, T_world_camera in enumerate(sideways(6)):
            features, depths_m = world.see(T_world_camera)
            change_a_little(features, index)
            results.append(odometry.process((index + 1) * FRAME_NS, features, depths_m))
        assert all(result.state is State.TRACKING for result in results)
        return sum(result.num_inliers for result in results[2:])

    assert num_inliers(0.05) > 1.2 * num_inliers(0.0)


def test_points_that_look_exactly_alike_are_paired_one_to_one():
    world = room(count=600)
    world.descriptors = world.descriptors[torch.arange(600) % 20]
    views = []
    for index, T_world_view in enumerate([np.eye(4), se3.inverse(T_1_0)]):
        features, depths_m = world.see(T_world_view)
        views.append(make_view(index, features, CAMERA, depths_m, 0.004))
    right = np.column_stack([np.arange(5), _nearest_to_expected(*views)[:5]])
    found = guided_pairs(*views, right, T_1_0, 60.0)
    assert found is not None
    assert len(found) > 20
    assert all(len(np.unique(column)) == len(found) for column in found.T)


def _nearest_to_expected(view0, view1):
    points = np.column_stack([view0.xy, np.ones(len(view0.pixels))])
    points = points / view0.inverse_depth[:, None]
    seen = se3.transform(T_1_0, points)
    pixels = seen[:, :2] / seen[:, 2:] * K[0, 0] + K[:2, 2]
    return np.linalg.norm(pixels[:, None] - view1.pixels, axis=2).argmin(axis=1)
