from dataclasses import replace

import numpy as np
from bundle_world import window
from hypothesis import given, settings
from hypothesis import strategies as st

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.adjustment import adjust_bundle

twists = st.tuples(*[st.floats(-5, 5)] * 3, *[st.floats(-1.5, 1.5)] * 3).map(np.array)


@settings(max_examples=8, deadline=None)
@given(twists)
def test_another_world_frame_changes_nothing_that_cameras_see(xi):
    problem, _, _ = window(depth_share=0.5)
    T_new_world = se3.exp(xi)
    moved = replace(
        problem,
        T_camera_world=problem.T_camera_world @ se3.inverse(T_new_world),
        points_world=se3.transform(T_new_world, problem.points_world),
    )
    here, there = adjust_bundle(problem), adjust_bundle(moved)
    np.testing.assert_allclose(there.T_camera_world @ T_new_world, here.T_camera_world, atol=1e-5)
    np.testing.assert_allclose(there.reprojection_chi2, here.reprojection_chi2, atol=1e-2)
    np.testing.assert_allclose(there.covariance, here.covariance, rtol=1e-2, atol=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.floats(0.01, 100))
def test_another_unit_of_length_changes_lengths_alone(scale):
    problem, _, _ = window(depth_share=0.5)
    scaled = problem.T_camera_world.copy()
    scaled[:, :3, 3] *= scale
    result = adjust_bundle(problem)
    other = adjust_bundle(
        replace(
            problem,
            T_camera_world=scaled,
            points_world=scale * problem.points_world,
            inverse_depth=problem.inverse_depth / scale,
            inverse_depth_sigma=problem.inverse_depth_sigma / scale,
        )
    )
    np.testing.assert_allclose(
        other.T_camera_world[:, :3, 3] / scale, result.T_camera_world[:, :3, 3], atol=1e-5
    )
    np.testing.assert_allclose(
        other.T_camera_world[:, :3, :3], result.T_camera_world[:, :3, :3], atol=1e-5
    )
