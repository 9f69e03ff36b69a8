import numpy as np
import pytest

from aliked_ros.evaluation.pose.localization import (
    NO_POINT,
    PointMap,
    localize,
    nearest,
    pose_error,
    shares_within,
    split,
)
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project

K = np.array([[500.0, 0, 320.0], [0, 500.0, 240.0], [0, 0, 1]])


@pytest.fixture
def world():
    """Points, two map images that know most of them, and a query's keypoints with its pose."""
    generator = np.random.default_rng(0)
    points = np.column_stack([generator.uniform(-2, 2, (120, 2)), generator.uniform(3, 7, 120)])
    known = np.arange(120)
    known[100:] = NO_POINT
    point_map = PointMap(points, {0: known, 7: np.roll(known, 5)}, 2.0, 0.5)
    T_world_camera = se3.exp(np.array([0.3, -0.2, 0.1, 0.05, 0.1, -0.05]))
    keypoints = project(se3.transform(se3.inverse(T_world_camera), points), K)
    return point_map, keypoints, T_world_camera


def test_query_is_found_through_several_map_images(world):
    point_map, keypoints, T_world_camera = world
    every = np.arange(120)
    wrong = np.column_stack([every[:30], every[40:70]])
    matches = {
        0: np.column_stack([every, every]),
        7: np.vstack([np.column_stack([every, (every + 5) % 120]), wrong]),
    }
    found = localize(keypoints, matches, point_map, K, 3.0)
    distance_m, angle_deg = pose_error(T_world_camera, found.T_world_camera)
    assert distance_m < 1e-4
    assert angle_deg < 1e-3
    # Both map images tell the same hundred pairs: these count once.
    assert found.num_inliers == 100


def test_query_without_known_points_is_not_localized(world):
    point_map, keypoints, _ = world
    unknown = np.arange(100, 120)
    found = localize(keypoints, {0: np.column_stack([unknown, unknown])}, point_map, K, 3.0)
    assert found.T_world_camera is None
    assert found.num_inliers == 0
    assert pose_error(np.eye(4), None) == (float("inf"), float("inf"))
    assert localize(keypoints, {}, point_map, K, 3.0).T_world_camera is None


def test_shares_count_both_limits_of_a_bound():
    errors = [(0.1, 1.0), (0.1, 3.0), (0.4, 1.0), (1.0, 8.0), (9.0, 1.0), (float("inf"),) * 2]
    assert shares_within(errors) == pytest.approx([1 / 6, 3 / 6, 4 / 6])
    assert shares_within([]) == [0, 0, 0]


def test_map_and_queries_share_no_frame():
    for map_every, query_every in ((10, 10), (10, 3), (2, 1), (5, 2)):
        in_map, queries = split(97, map_every, query_every)
        assert in_map[:2] == [0, map_every]
        assert queries
        assert not set(in_map) & set(queries)
    with pytest.raises(ValueError, match="map-every is 1"):
        split(10, 1, 1)


def test_nearest_cameras_look_the_same_way():
    candidates = {
        0: se3.exp(np.array([0.5, 0, 0, 0, 0, 0])),
        1: se3.exp(np.array([0, 0, 0, 0, np.pi / 2, 0])),
        2: se3.exp(np.array([0.1, 0, 0, 0, 0.05, 0])),
    }
    assert nearest(np.eye(4), candidates, 2) == [2, 0]
