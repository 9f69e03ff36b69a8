import numpy as np
import pytest
from point_world import CAMERA, K, match_views, room

from aliked_ros.geometry import se3
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.inverse_depth import (
    carry_over,
    scale,
    triangulate_into,
    with_best_depths,
)
from aliked_ros.odometry.matched_views import MatchedViews

NOISE_PX = 0.3
ASIDE = se3.from_rotation_translation(np.eye(3), np.array([0.6, 0.1, 0.0]))
T_1_0 = se3.inverse(ASIDE)


@pytest.fixture
def views():
    """Two views of the same points without depths, their pairs and their true depths."""
    world = room()
    (features0, depths0), (features1, depths1) = world.see(np.eye(4)), world.see(ASIDE)
    view0 = make_view(0, features0, CAMERA, None, 0.0)
    view1 = make_view(1, features1, CAMERA, None, 0.0)
    return view0, view1, match_views(view0, view1).pairs, depths0, depths1


def test_triangulated_depths_are_true_within_their_deviation(views):
    view0, view1, pairs, depths0, _ = views
    view0 = triangulate_into(MatchedViews(view0, view1, pairs), T_1_0, K, NOISE_PX)
    known = np.isfinite(view0.inverse_depth)
    assert known[pairs[:, 0]].mean() > 0.95
    normalised = (view0.inverse_depth - 1 / depths0)[known] / view0.depth_sigma[known]
    assert 0.6 < normalised.std() < 1.4


def test_a_pair_off_its_epipolar_line_gets_no_depth(views):
    view0, view1, pairs, _, _ = views
    shuffled = pairs.copy()
    shuffled[:, 1] = np.random.default_rng(0).permutation(pairs[:, 1])
    view0 = triangulate_into(MatchedViews(view0, view1, shuffled), T_1_0, K, NOISE_PX)
    assert np.isfinite(view0.inverse_depth).sum() < 0.05 * len(pairs)


def test_a_measurement_that_contradicts_a_depth_leaves_it_alone(views):
    view0, view1, pairs, depths0, _ = views
    wrong = view0.with_depth(3 / depths0, np.full(len(depths0), 1e-3))
    after = triangulate_into(MatchedViews(wrong, view1, pairs), T_1_0, K, NOISE_PX)
    np.testing.assert_array_equal(after.inverse_depth, wrong.inverse_depth)
    np.testing.assert_array_equal(after.depth_sigma, wrong.depth_sigma)


def test_an_uncertain_translation_makes_all_depths_uncertain(views):
    view0, view1, pairs, _, _ = views
    vague = triangulate_into(
        MatchedViews(view0, view1, pairs), T_1_0, K, NOISE_PX, relative_noise=0.1
    )
    known = np.isfinite(vague.inverse_depth)
    assert (vague.depth_sigma[known] >= 0.1 * vague.inverse_depth[known]).all()


def test_carried_depths_are_those_of_the_other_view(views):
    view0, view1, pairs, depths0, depths1 = views
    view0 = view0.with_depth(1 / depths0, np.full(len(depths0), 1e-3))
    carried = carry_over(MatchedViews(view0, view1, pairs), T_1_0, K, threshold_px=3.0)
    index1 = pairs[:, 1]
    np.testing.assert_allclose(1 / carried.inverse_depth[index1], depths1[index1], rtol=1e-6)
    assert np.isinf(np.delete(carried.depth_sigma, index1)).all()


def test_a_carried_depth_and_a_measured_one_are_averaged_by_their_precision(views):
    view0, view1, pairs, depths0, depths1 = views
    view0 = view0.with_depth(1 / depths0, np.full(len(depths0), 1e-3))
    measured = 1 / depths1 + 3e-3
    view1 = view1.with_depth(measured, np.full(len(depths1), 2e-3))
    fused = carry_over(MatchedViews(view0, view1, pairs), T_1_0, K, threshold_px=3.0)
    index1 = pairs[:, 1]
    # Equal depth in both views: the deviations 1e-3 and 2e-3 weigh four to one.
    np.testing.assert_allclose(
        fused.inverse_depth[index1], (1 / depths1 + 0.2 * 3e-3)[index1], atol=1e-6
    )
    assert (fused.depth_sigma[index1] < 1e-3).all()


def test_a_depth_that_does_not_reproject_is_not_carried(views):
    view0, view1, pairs, depths0, _ = views
    view0 = view0.with_depth(2 / depths0, np.full(len(depths0), 1e-3))
    carried = carry_over(MatchedViews(view0, view1, pairs), T_1_0, K, threshold_px=3.0)
    assert not np.isfinite(carried.inverse_depth).any()


def test_scaling_gives_the_median_depth_that_is_asked_for(views):
    view0, _, _, depths0, _ = views
    scaled = scale(view0.with_depth(1 / depths0, 0.01 / depths0), 1.0)
    assert scaled.median_depth == pytest.approx(1.0)
    np.testing.assert_allclose(scaled.depth_sigma / scaled.inverse_depth, 0.01)


def test_of_two_states_of_a_view_each_depth_that_is_known_better_stays(views):
    view, _, _, depths0, _ = views
    sigma = np.where(np.arange(len(depths0)) % 2, 1e-3, 1e-2)
    one = view.with_depth(1 / depths0, sigma).at(np.eye(4), np.eye(6))
    other = view.with_depth(2 / depths0, np.full_like(sigma, 5e-3)).at(ASIDE, np.eye(6))
    best = with_best_depths(one, other)
    is_from_one = one.depth_sigma < other.depth_sigma
    assert 0 < is_from_one.sum() < len(depths0)
    np.testing.assert_array_equal(best.pose, ASIDE)
    np.testing.assert_allclose(best.inverse_depth * depths0, np.where(is_from_one, 1, 2))
