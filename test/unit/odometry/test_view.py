from dataclasses import replace

import numpy as np
from point_world import CAMERA, room

from aliked_ros.odometry.intake import make_view


def view_of(num_without_depth=0):
    features, depths_m = room(count=200).see(np.eye(4))
    depths_m[:num_without_depth] = np.nan
    return make_view(0, features, CAMERA, depths_m, 1e-3)


def test_depths_that_were_measured_are_counted():
    view = view_of(num_without_depth=7)
    assert view.num_depths == len(view) - 7
    assert view_of().num_depths == len(view)


def test_sightings_belong_to_the_keypoints_that_are_asked_for():
    view = view_of(num_without_depth=3)
    view = replace(view, spread=np.arange(float(len(view))))
    index = np.array([5, 1, 40])
    sightings = view.sightings(index)
    np.testing.assert_array_equal(sightings.xy, view.xy[index])
    np.testing.assert_array_equal(sightings.spread, [5, 1, 40])
    np.testing.assert_array_equal(np.isnan(sightings.inverse_depth), [False, True, False])
    np.testing.assert_array_equal(np.isinf(sightings.depth_sigma), [False, True, False])


def test_a_noisier_view_knows_its_keypoints_less_well_and_its_depths_as_well():
    view = view_of()
    noisier = view.noisier(2.5)
    np.testing.assert_array_equal(noisier.spread, 2.5 * view.spread)
    np.testing.assert_array_equal(noisier.depth_sigma, view.depth_sigma)
    np.testing.assert_array_equal(noisier.xy, view.xy)


def test_descriptors_are_those_of_the_features():
    view = view_of()
    np.testing.assert_array_equal(view.descriptors, view.features.descriptors.numpy())


def test_depths_of_another_instant_are_less_certain_the_nearer_and_the_faster():
    view = view_of(num_without_depth=3)
    late = view.with_late_depths(-0.02, 0.5, 1.0)
    measured = np.isfinite(view.inverse_depth)
    rho = view.inverse_depth[measured]
    moved = 0.02 * (0.5 * rho**2 + 0.5 * rho)
    expected = np.sqrt(view.depth_sigma[measured] ** 2 + moved**2)
    np.testing.assert_allclose(late.depth_sigma[measured], expected)
    assert np.isinf(late.depth_sigma[~measured]).all()
    assert view.with_late_depths(0.0, 0.5, 1.0) is view
