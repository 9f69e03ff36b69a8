from dataclasses import replace

import numpy as np
import pytest
import torch
from map_world import NOISE, keyframe_of, points_of, true_map, view_of
from point_world import World, room, sideways
from scipy.stats import chi2

from aliked_ros.geometry import se3
from aliked_ros.geometry.epipolar import sampson_error_px
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.map.new_landmarks import (
    add_by_depth,
    add_by_triangulation,
    epipolar_distance,
    placed_by,
)

THERE = se3.exp(np.array([0.5, 0.1, -0.2, 0.1, -0.2, 0.05]))


def blank(world, T, **how):
    """A map with one keyframe that shows nothing yet."""
    local_map = LocalMap(64)
    local_map.append(keyframe_of(world, T, linked=False, **how))
    return local_map, local_map.newest


def test_every_keypoint_with_a_depth_makes_a_landmark_at_its_point():
    world = room(count=500)
    local_map, keyframe = blank(world, THERE)
    made = add_by_depth(local_map, keyframe, NOISE)
    assert len(made) == len(keyframe.view)
    shown = points_of(world, keyframe.view)
    off_m = np.linalg.norm(local_map.landmarks.points_world - world.points[shown], axis=1)
    assert off_m.max() < 0.03  # 0.3 px at 10 m is 6 mm
    np.testing.assert_array_equal(keyframe.landmark, made)


def test_only_free_keypoints_with_a_sharp_depth_make_landmarks():
    local_map, keyframe = blank(room(count=500), THERE)
    view = keyframe.view
    view.inverse_depth[0], view.depth_sigma[0] = np.nan, np.inf
    view.depth_sigma[1] = 0.6 * view.inverse_depth[1]
    view.depth_sigma[2] = 0.4 * view.inverse_depth[2]
    view.xy[3] = np.nan
    keyframe.landmark[4] = 0
    local_map.landmarks.add(
        np.zeros((1, 3)), np.zeros((1, 3, 3)), view.descriptors[:1], np.zeros((1, 3)), 0
    )
    made = add_by_depth(local_map, keyframe, NOISE)
    assert (keyframe.landmark[[0, 1, 3]] == NONE).all()
    assert keyframe.landmark[4] == 0
    assert keyframe.landmark[2] == made[0]
    assert len(made) == len(view) - 4


def test_the_covariance_of_a_placed_point_is_its_scatter():
    world = room(count=40)
    keyframe = keyframe_of(world, THERE)
    view, generator = keyframe.view, np.random.default_rng(0)
    sigma = np.full(len(view), 0.01)  # so large that the part along the ray counts
    spread = generator.uniform(0.5, 2.0, len(view))
    keyframe.view = replace(view, spread=spread)
    everything = np.arange(len(view))
    points, covariance = placed_by(keyframe, everything, view.inverse_depth, sigma, NOISE)
    placed = []
    for _ in range(4000):
        noise = generator.normal(size=view.xy.shape) * NOISE * spread[:, None]
        keyframe.view = replace(view, spread=spread, xy=view.xy + noise)
        inverse_depth = view.inverse_depth + sigma * generator.normal(size=len(view))
        placed.append(placed_by(keyframe, everything, inverse_depth, sigma, NOISE)[0])
    errors = np.array(placed) - points  # (4000, N, 3)
    squared = np.einsum("kni,nij,knj->kn", errors, np.linalg.inv(covariance), errors)
    # Per point the mean of a chi-square with three degrees of freedom; far points are a little
    # skewed, since their depth is the inverse of what was measured.
    np.testing.assert_allclose(np.median(squared, axis=0), chi2.median(3), rtol=0.1)
    np.testing.assert_allclose((squared < chi2.ppf(0.95, 3)).mean(axis=0), 0.95, atol=0.02)


def test_the_epipolar_distance_is_sampsons():
    world, T_1_0 = room(count=60), se3.inverse(THERE)
    view0, view1 = view_of(world, np.eye(4)), view_of(world, THERE)
    distance = epipolar_distance(view0.xy, view1.xy, T_1_0)
    assert distance.shape == (len(view0), len(view1))
    for j in range(len(view1)):
        pixels1 = np.repeat(view1.xy[j : j + 1], len(view0), axis=0)
        expected = sampson_error_px(view0.xy, pixels1, T_1_0, np.eye(3))
        np.testing.assert_allclose(distance[:, j], expected, rtol=1e-6, atol=1e-12)
    same = points_of(world, view0)[:, None] == points_of(world, view1)
    assert distance[same].max() < 3 * NOISE
    assert np.median(distance[~same]) > 20 * NOISE


def two_keyframes(T_1=THERE, depth=False, num_linked=60, seed=0):
    """Two keyframes that have some landmarks in common; the rest of them is free."""
    world = room(seed=seed)
    local_map = true_map(world, [np.eye(4), T_1], depth=depth)
    for keyframe in local_map.keyframes:
        keyframe.landmark[keyframe.landmark >= num_linked * 5] = NONE
    return world, local_map, *local_map.keyframes


def made_by_triangulation(local_map, keyframe, least_similarity=0.9):
    before = len(local_map.landmarks)
    add_by_triangulation(local_map, keyframe, NOISE, least_similarity)
    return np.arange(before, len(local_map.landmarks))


def test_free_keypoints_of_two_keyframes_become_landmarks_where_their_points_are():
    world, local_map, first, second = two_keyframes()
    made = made_by_triangulation(local_map, second)
    assert len(made) > 100
    squared = []
    for keyframe in (first, second):
        rows = np.flatnonzero(keyframe.landmark >= made[0])
        np.testing.assert_array_equal(np.sort(keyframe.landmark[rows]), made)  # both show it
        truth = world.points[points_of(world, keyframe.view)[rows]]
        numbers = keyframe.landmark[rows]
        errors = local_map.landmarks.points_world[numbers] - truth
        covariance = local_map.landmarks.covariance[numbers]
        squared.append(np.einsum("ni,nij,nj->n", errors, np.linalg.inv(covariance), errors))
    np.testing.assert_array_equal(np.sort(squared[0]), np.sort(squared[1]))
    # The keypoints are better (0.3 px) than what is said of them (0.5 px): 0.36 of 3.
    assert np.mean(squared[0] < chi2.ppf(0.95, 3)) > 0.95
    assert np.median(squared[0]) > 0.36 * chi2.median(3) * 0.5
    assert (local_map.landmarks.born[made] == second.number).all()


def sideways_by(baseline_m):
    return se3.exp(np.array([baseline_m, 0, 0, 0, 0, 0]))


def test_a_landmark_is_made_while_its_depth_is_known_to_a_quarter():
    generator = np.random.default_rng(0)
    world = World(generator.uniform([-30, -20, 3], [30, 20, 60], (3000, 3)))
    local_map = true_map(world, [np.eye(4), sideways_by(0.6)], depth=False)
    for keyframe in local_map.keyframes:
        keyframe.landmark[keyframe.landmark >= 300] = NONE
    before = len(local_map.landmarks)
    add_by_triangulation(local_map, local_map.newest, 4 * NOISE, 0.9)
    depths = local_map.landmarks.points_world[before:, 2]
    limit_m = 0.25 * 0.6 / (np.sqrt(2) * 4 * NOISE)  # 26 m
    assert len(depths) > 50
    assert 0.8 * limit_m < depths.max() < limit_m


def test_a_keyframe_that_is_hardly_elsewhere_makes_no_landmark():
    # A hundredth of the median depth, some 7 m, is the least.
    for baseline_m, is_enough in ((0.05, False), (0.1, True)):
        _, local_map, _, second = two_keyframes(T_1=sideways_by(baseline_m))
        assert (len(made_by_triangulation(local_map, second)) > 10) is is_enough


@pytest.mark.parametrize("obstacle", ["descriptors", "epipolar line", "few in common"])
def test_keypoints_that_cannot_be_one_point_make_none(obstacle):
    _, local_map, first, second = two_keyframes()
    least = 0.9
    if obstacle == "descriptors":
        least = 1.01
    elif obstacle == "epipolar line":
        second.view.xy[:, 1] += 10 * NOISE  # the camera moved sideways
    else:
        first.landmark[first.linked[9:]] = NONE
    made = made_by_triangulation(local_map, second, least)
    assert len(made) == 0


def test_no_landmark_lies_behind_a_view():
    for seed in range(5):
        _, local_map, first, second = two_keyframes(seed=seed)
        # Strangers that look alike.
        generator = torch.Generator().manual_seed(seed)
        for keyframe in (first, second):
            descriptors = keyframe.view.features.descriptors
            descriptors[:] = 1 + 0.1 * torch.randn(descriptors.shape, generator=generator)
            descriptors /= descriptors.norm(dim=1, keepdim=True)
        made = made_by_triangulation(local_map, second, 0.5)
        points = local_map.landmarks.points_world[made]
        assert len(made) > 0
        for keyframe in (first, second):
            assert se3.transform(keyframe.T_view_world, points)[:, 2].min() > 0


def test_a_path_gives_landmarks_that_several_keyframes_share():
    world, path = room(), sideways(16)[::5]
    local_map = true_map(world, path, depth=False)
    for keyframe in local_map.keyframes:
        keyframe.landmark[keyframe.landmark >= 300] = NONE
    made = made_by_triangulation(local_map, local_map.newest)
    assert len(made) > 100
    counts = local_map.num_observers()[made]
    assert (counts == 2).all()  # each free keypoint is spent once
