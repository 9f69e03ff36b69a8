from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_world import GUESS, NOISE, T_CAMERA_WORLD, scene, without_depth

from aliked_ros.geometry import se3
from aliked_ros.geometry.pose_refinement import refine_pose
from aliked_ros.geometry.rotation_prior import RotationPrior
from aliked_ros.native import load_library

twists = st.tuples(*[st.floats(-5, 5)] * 3, *[st.floats(-1.5, 1.5)] * 3).map(np.array)


@st.composite
def problems(draw):
    """A scene, some of whose depths are missing and whose matches are partly wrong."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    num = draw(st.integers(12, 200))
    points, covariances, sightings = scene(int(generator.integers(1 << 30)), num)
    xy, inverse_depth = sightings.xy.copy(), sightings.inverse_depth.copy()
    num_wrong = int(draw(st.floats(0, 0.3)) * num)
    xy[:num_wrong] += generator.uniform(0.05, 0.5, (num_wrong, 2))
    inverse_depth[generator.random(num) < draw(st.sampled_from([0, 0.5, 1]))] = np.nan
    spread = generator.uniform(0.5, 3, num) if draw(st.booleans()) else None
    sightings = replace(sightings, xy=xy, inverse_depth=inverse_depth, spread=spread)
    turn = se3.exp(np.append(np.zeros(3), generator.normal(0, 0.003, 3)))[:3, :3]
    prior = RotationPrior(turn @ T_CAMERA_WORLD[:3, :3], draw(st.sampled_from([1e-3, 0.1])))
    return points, covariances, sightings, NOISE, prior if draw(st.booleans()) else None


@pytest.mark.skipif(load_library() is None, reason="the kernels are not built")
@settings(max_examples=100, deadline=None)
@given(problems())
def test_the_compiled_solver_finds_what_the_reference_finds(problem):
    found = refine_pose(GUESS, *problem)
    expected = refine_pose(GUESS, *problem, with_compiled=False)
    np.testing.assert_allclose(found.T_camera_world, expected.T_camera_world, atol=1e-6)
    np.testing.assert_allclose(found.chi2, expected.chi2, rtol=1e-3, atol=1e-3)
    scale = np.abs(expected.hessian).max()
    np.testing.assert_allclose(found.hessian, expected.hessian, atol=1e-4 * scale)
    np.testing.assert_array_equal(found.is_inlier, expected.is_inlier)
    assert found.noise == pytest.approx(expected.noise, rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(twists, st.booleans())
def test_another_world_frame_changes_nothing_that_the_camera_sees(xi, has_depth):
    points, covariances, sightings = scene()
    if not has_depth:
        sightings = without_depth(sightings)
    T_new_world = se3.exp(xi)
    R = T_new_world[:3, :3]
    here = refine_pose(GUESS, points, covariances, sightings, NOISE)
    there = refine_pose(
        GUESS @ se3.inverse(T_new_world), se3.transform(T_new_world, points),
        R @ covariances @ R.T, sightings, NOISE,
    )  # fmt: skip
    np.testing.assert_allclose(there.T_camera_world @ T_new_world, here.T_camera_world, atol=1e-6)
    np.testing.assert_allclose(there.hessian, here.hessian, rtol=1e-4, atol=10)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_landmarks_does_not_matter(seed):
    points, covariances, sightings = scene(1)
    order = np.random.default_rng(seed).permutation(len(points))
    here = refine_pose(GUESS, points, covariances, sightings, NOISE)
    mixed = replace(
        sightings, xy=sightings.xy[order], inverse_depth=sightings.inverse_depth[order],
        depth_sigma=sightings.depth_sigma[order],
    )  # fmt: skip
    there = refine_pose(GUESS, points[order], covariances[order], mixed, NOISE)
    np.testing.assert_allclose(there.T_camera_world, here.T_camera_world, atol=1e-9)
    np.testing.assert_array_equal(there.is_inlier, here.is_inlier[order])
