import numpy as np
from map_world import points_of, true_map
from point_world import K, room, sideways

from aliked_ros.odometry.map.fusion import fuse
from aliked_ros.odometry.map.landmarks import NONE

PATH = sideways(9)[::4]


def with_duplicates(num=50):
    """A true map whose newest keyframe shows copies of some landmarks, and made them."""
    world = room()
    local_map = true_map(world, PATH)
    newest, landmarks = local_map.newest, local_map.landmarks
    shown_before = np.intersect1d(newest.numbers, local_map.keyframes[0].numbers)
    shown_before = np.intersect1d(shown_before, local_map.keyframes[1].numbers)
    old = shown_before[:num]
    rows = np.flatnonzero(np.isin(newest.landmark, old))
    old = newest.landmark[rows]
    copies = landmarks.add(
        world.points[old], landmarks.covariance[old], world.descriptors[old].numpy(),
        landmarks.direction[old], newest.number,
    )  # fmt: skip
    newest.landmark[rows] = copies
    return world, local_map, old, copies


def test_a_copy_of_an_old_landmark_becomes_the_old_one_in_every_image():
    world, local_map, old, copies = with_duplicates()
    fuse(local_map, local_map.newest, copies, K, 0.9)
    landmarks = local_map.landmarks
    assert not landmarks.is_alive[copies].any()
    assert landmarks.is_alive[old].all()
    for keyframe in local_map.keyframes:
        assert not np.isin(copies, keyframe.numbers).any()
        np.testing.assert_array_equal(keyframe.landmark, points_of(world, keyframe.view))


def test_two_landmarks_that_one_keyframe_shows_are_two():
    _, local_map, old, copies = with_duplicates()
    middle = local_map.keyframes[1]
    # The middle one shows the first copy and its original: at another keypoint, so be it.
    elsewhere = np.flatnonzero(~np.isin(middle.landmark, old))[0]
    middle.landmark[elsewhere] = copies[0]
    fuse(local_map, local_map.newest, copies, K, 0.9)
    assert local_map.landmarks.is_alive[[copies[0], old[0]]].all()
    assert not local_map.landmarks.is_alive[copies[1:]].any()


def test_a_free_keypoint_of_a_neighbour_is_linked():
    world, local_map, _, _ = with_duplicates(num=0)
    newest, neighbour = local_map.newest, local_map.keyframes[0]
    made = np.intersect1d(newest.numbers, neighbour.numbers)[:40]
    for keyframe in local_map.keyframes[:-1]:
        keyframe.landmark[np.isin(keyframe.landmark, made)] = NONE
    fuse(local_map, newest, made, K, 0.9)
    assert np.isin(made, neighbour.numbers).all()
    np.testing.assert_array_equal(neighbour.landmark, points_of(world, neighbour.view))
    assert local_map.landmarks.is_alive.all()


def test_nothing_is_linked_where_the_depth_that_was_measured_contradicts():
    _, local_map, _, _ = with_duplicates(num=0)
    newest, neighbour = local_map.newest, local_map.keyframes[0]
    made = np.intersect1d(newest.numbers, neighbour.numbers)[:40]
    rows = np.flatnonzero(np.isin(neighbour.landmark, made))
    for keyframe in local_map.keyframes[:-1]:
        keyframe.landmark[np.isin(keyframe.landmark, made)] = NONE
    wrong, unknown = rows[:20], rows[20:]
    neighbour.view.inverse_depth[wrong] += 6 * neighbour.view.depth_sigma[wrong]
    neighbour.view.inverse_depth[unknown] = np.nan
    neighbour.view.depth_sigma[unknown] = np.inf
    fuse(local_map, newest, made, K, 0.9)
    assert (neighbour.landmark[wrong] == NONE).all()
    assert (neighbour.landmark[unknown] != NONE).all()


def test_no_keyframe_shows_a_landmark_twice():
    _, local_map, _, _ = with_duplicates(num=0)
    newest, neighbour = local_map.newest, local_map.keyframes[0]
    made = np.intersect1d(newest.numbers, neighbour.numbers)[:40]
    # The neighbour shows them already, at keypoints that are not theirs.
    rows = np.flatnonzero(np.isin(neighbour.landmark, made))
    strangers = np.flatnonzero(~np.isin(neighbour.landmark, made))[: len(rows)]
    neighbour.landmark[strangers] = neighbour.landmark[rows]
    neighbour.landmark[rows] = NONE
    fuse(local_map, newest, made, K, 0.9)
    assert len(np.unique(neighbour.numbers)) == len(neighbour.numbers)


def test_an_image_that_is_no_keyframe_follows_what_is_merged():
    world, local_map, _, copies = with_duplicates()
    newest = local_map.newest
    image = type(newest)(9, newest.view, newest.T_view_world, newest.covariance,
                         newest.landmark.copy())  # fmt: skip
    local_map.newest_image = image
    fuse(local_map, newest, copies, K, 0.9)
    np.testing.assert_array_equal(image.landmark, points_of(world, image.view))


def test_dissimilar_landmarks_stay_two():
    _, local_map, old, copies = with_duplicates()
    fuse(local_map, local_map.newest, copies, K, 1.01)
    assert local_map.landmarks.is_alive[copies].all()
    assert local_map.landmarks.is_alive[old].all()
