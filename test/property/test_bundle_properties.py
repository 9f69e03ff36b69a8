from dataclasses import replace

import numpy as np
import pytest
from bundle_world import window
from hypothesis import given, settings
from hypothesis import strategies as st

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.native import load_library

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


@st.composite
def windows(draw):
    """Windows with depths or without, good guesses and poor ones, wrong matches and lost points."""
    depth_share = draw(st.sampled_from([0.0, 0.3, 1.0]))
    problem, _, _ = window(
        draw(st.integers(0, 10_000)), draw(st.integers(2, 6)), draw(st.integers(15, 60)),
        noise=draw(st.sampled_from([0.0, 1.0])), depth_share=depth_share,
        guess=draw(st.sampled_from([0.0, 0.3, 1.0])), num_fixed=1 if depth_share else 2,
    )  # fmt: skip
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    xy, points = problem.xy.copy(), problem.points_world.copy()
    xy[generator.random(len(xy)) < draw(st.sampled_from([0.0, 0.1]))] += 0.05
    points[generator.random(len(points)) < draw(st.sampled_from([0.0, 0.1]))] = np.nan
    xy[generator.random(len(xy)) < draw(st.sampled_from([0.0, 0.05]))] = np.nan
    return replace(problem, xy=xy, points_world=points)


@pytest.mark.skipif(load_library() is None, reason="the kernels are not built")
@settings(max_examples=50, deadline=None)
@given(windows())
def test_the_compiled_solver_finds_what_the_reference_finds(problem):
    found, expected = adjust_bundle(problem), adjust_bundle(problem, with_compiled=False)
    np.testing.assert_array_equal(found.is_used, expected.is_used)
    assert found.initial_cost == pytest.approx(expected.initial_cost, rel=1e-9)
    assert found.final_cost == pytest.approx(expected.final_cost, rel=1e-3, abs=1e-9)
    np.testing.assert_allclose(found.T_camera_world, expected.T_camera_world, atol=1e-4)
    np.testing.assert_array_equal(
        np.isnan(found.reprojection_chi2), np.isnan(expected.reprojection_chi2)
    )
    deviations = [np.sqrt(np.diag(one.covariance)) for one in (found, expected)]
    np.testing.assert_allclose(*deviations, rtol=0.02, atol=1e-9)
