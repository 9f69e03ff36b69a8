import numpy as np
import pytest
from map_world import points_of, true_map, view_of
from point_world import FOCAL_PX, room, turning

from aliked_ros.geometry import se3
from aliked_ros.odometry import Motion
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.links import Links
from aliked_ros.odometry.motion import motion_since

STILL_PX = 0.5


def since(T_world_view, num=None):
    """Return the motion from a keyframe at the origin to a view whose pose is exact."""
    world = room()
    local_map, view = true_map(world, [np.eye(4)]), view_of(world, T_world_view)
    keypoints = np.arange(len(view))
    links = Links(points_of(world, view), keypoints, np.ones(len(view)), np.zeros(0, np.int64))
    reference = local_map.newest
    if num is not None:
        common = np.flatnonzero(np.isin(reference.landmark, links.numbers))
        reference.landmark[common[num:]] = NONE
    located = Located(links, se3.inverse(T_world_view), np.eye(6), 1.0)
    return motion_since(local_map, view, located, FOCAL_PX, STILL_PX)


def aside(x_m):
    return se3.from_rotation_translation(np.eye(3), np.array([x_m, 0.0, 0.0]))


def test_a_camera_that_moved_less_than_anyone_can_see_did_not_move():
    for T in (np.eye(4), aside(0.004), turning(2, 0.0007)[1]):  # some 0.3 px
        assert since(T).kind is Motion.NONE


def test_a_pure_rotation_is_told_from_a_translation():
    for angle_rad in (0.003, 0.02, 0.2):
        motion = since(turning(2, angle_rad)[1])
        assert motion.kind is Motion.ROTATION
        assert motion.parallax_deg < 0.1  # what noise leaves
    for x_m in (0.05, 0.1, 0.5):
        assert since(aside(x_m)).kind is Motion.GENERAL
        assert since(turning(2, 0.1)[1] @ aside(x_m)).kind is Motion.GENERAL


def test_parallax_and_displacement_are_medians_over_the_common_landmarks():
    x_m, angle_rad = 0.3, 0.1
    moved, turned = since(aside(x_m)), since(turning(2, angle_rad)[1] @ aside(x_m))
    world = room()
    view = view_of(world, np.eye(4))
    depths = 1 / view.inverse_depth
    assert moved.displacement_px == pytest.approx(FOCAL_PX * x_m / np.median(depths), rel=0.1)
    assert moved.parallax_deg == pytest.approx(np.degrees(x_m / np.median(depths)), rel=0.15)
    assert turned.parallax_deg == pytest.approx(moved.parallax_deg, rel=0.15)
    assert turned.displacement_px > FOCAL_PX * (angle_rad - x_m / 5)
    world_points = set(points_of(world, view)) & set(points_of(world, view_of(world, aside(x_m))))
    assert moved.num_common == len(world_points)


def test_with_few_landmarks_in_common_nothing_is_said():
    assert since(np.eye(4), num=6).kind is Motion.NONE
    few = since(np.eye(4), num=5)
    assert few.kind is Motion.GENERAL
    assert few.num_common == 5
    assert few.displacement_px == np.inf
    assert since(np.eye(4), num=0).num_common == 0
