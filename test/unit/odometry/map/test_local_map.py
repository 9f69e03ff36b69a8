import numpy as np
import pytest
from map_world import keyframe_of, points_of, true_map, view_of
from point_world import room, sideways

from aliked_ros.geometry import se3
from aliked_ros.odometry.map.keyframe import Keyframe, no_landmarks
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.local_map import LocalMap

PATH = sideways(40)


@pytest.fixture
def world():
    return room(count=600)


@pytest.fixture
def local_map(world):
    return true_map(world, PATH[::8])


def test_keyframes_that_show_most_of_the_asked_landmarks_come_first(local_map):
    first = local_map.keyframes[0]
    shared = local_map.num_shared(first.numbers)
    for keyframe, num in zip(local_map.keyframes, shared, strict=True):
        assert num == len(set(keyframe.numbers) & set(first.numbers))
    assert local_map.covisible(first.numbers) == local_map.keyframes  # the path leads away
    least = int(shared[2])
    assert local_map.covisible(first.numbers, least) == local_map.keyframes[:3]
    assert local_map.covisible(first.numbers, least + 1) == local_map.keyframes[:2]
    first.landmark[0] = NONE
    assert local_map.covisible(np.array([NONE])) == []


def test_keyframes_that_show_as_many_keep_their_order(world):
    twins = true_map(world, [np.eye(4)])
    for number in (1, 2):
        one = twins.keyframes[0]
        twins.append(Keyframe(number, one.view, one.T_view_world, one.covariance, one.landmark))
    assert [k.number for k in twins.covisible(one.numbers)] == [0, 1, 2]


def test_around_some_landmarks_is_what_their_keyframes_show(local_map):
    first, second = local_map.keyframes[:2]
    one = local_map.around(first.numbers, 1)
    np.testing.assert_array_equal(one, np.unique(first.numbers))
    both = local_map.around(first.numbers, 2)
    np.testing.assert_array_equal(both, np.union1d(first.numbers, second.numbers))
    local_map.landmarks.is_alive[one[:5]] = False
    np.testing.assert_array_equal(local_map.around(first.numbers, 1), one[5:])
    assert len(local_map.around(np.zeros(0, np.int64), 5)) == 0


def test_observers_are_keyframes_and_no_other_image(world, local_map):
    counts = local_map.num_observers()
    expected = [sum(n in set(k.numbers) for k in local_map.keyframes) for n in range(600)]
    np.testing.assert_array_equal(counts, expected)
    local_map.newest_image = keyframe_of(world, PATH[2], local_map.next_number)
    np.testing.assert_array_equal(local_map.num_observers(), expected)


def test_the_newest_image_is_the_newest_keyframe_until_another_one_is_located(world, local_map):
    assert local_map.newest_image is local_map.newest
    assert len(local_map.images) == len(local_map) == 5
    image = keyframe_of(world, PATH[35], local_map.next_number)
    local_map.newest_image = image
    assert local_map.newest_image is image
    assert local_map.newest is not image
    assert local_map.images == [*local_map.keyframes, image]
    np.testing.assert_array_equal(local_map.in_sight, image.numbers)
    local_map.append(image)
    assert local_map.newest is image
    assert local_map.images == local_map.keyframes
    assert local_map.next_number == image.number + 1


def test_a_refreshed_landmark_looks_as_the_keyframe_sees_it(world):
    local_map = true_map(world, PATH[:1])
    before = local_map.landmarks.descriptors.copy()
    keyframe = keyframe_of(world, PATH[20], 1)
    keyframe.view.features.descriptors[:] *= -1
    unlinked = keyframe.landmark[0]
    keyframe.landmark[0] = NONE
    local_map.refresh(keyframe)
    landmarks, numbers = local_map.landmarks, keyframe.numbers
    np.testing.assert_array_equal(landmarks.descriptors[numbers], -before[numbers])
    np.testing.assert_array_equal(landmarks.descriptors[unlinked], before[unlinked])
    towards = world.points[numbers] - PATH[20][:3, 3]
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    np.testing.assert_allclose(landmarks.direction[numbers], towards, atol=1e-12)


def test_linking_makes_landmarks_of_keypoints(world):
    local_map, T = LocalMap(64), PATH[5]
    view = view_of(world, T)
    keyframe = Keyframe(3, view, se3.inverse(T), np.zeros((6, 6)), no_landmarks(view))
    keypoints = np.array([4, 2, 9])
    points = world.points[points_of(world, view)[keypoints]]
    numbers = local_map.link(keyframe, keypoints, points, np.tile(np.eye(3), (3, 1, 1)))
    np.testing.assert_array_equal(numbers, [0, 1, 2])
    np.testing.assert_array_equal(keyframe.landmark[keypoints], numbers)
    np.testing.assert_array_equal(keyframe.linked, [2, 4, 9])
    landmarks = local_map.landmarks
    np.testing.assert_array_equal(landmarks.points_world, points)
    np.testing.assert_array_equal(landmarks.descriptors, view.descriptors[keypoints])
    np.testing.assert_array_equal(landmarks.born, [3, 3, 3])
    np.testing.assert_allclose(
        np.linalg.norm(landmarks.points_world - landmarks.direction - T[:3, 3], axis=1),
        np.linalg.norm(points - T[:3, 3], axis=1) - 1,
    )


def test_compacting_leaves_every_link_at_its_point(world, local_map):
    image = keyframe_of(world, PATH[35], local_map.next_number)
    local_map.newest_image = image
    gone = np.arange(0, 600, 3)
    local_map.landmarks.is_alive[gone] = False
    before = [k.landmark.copy() for k in local_map.images]
    local_map.compact()
    assert len(local_map.landmarks) == 400
    for keyframe, numbers in zip(local_map.images, before, strict=True):
        is_gone = np.isin(numbers, gone)
        assert (keyframe.landmark[is_gone] == NONE).all()
        np.testing.assert_array_equal(
            local_map.landmarks.points_world[keyframe.landmark[~is_gone]],
            world.points[numbers[~is_gone]],
        )


def test_a_keyframe_knows_what_it_shows_and_where_it_was(world):
    keyframe = keyframe_of(world, PATH[7])
    keyframe.view.xy[4] = np.nan
    keyframe.landmark[[1, 4, 6]] = NONE
    np.testing.assert_array_equal(keyframe.free, [1, 6])  # the fourth has no direction
    assert len(keyframe.linked) == len(keyframe.numbers) == len(keyframe.view) - 3
    np.testing.assert_allclose(keyframe.centre_world, PATH[7][:3, 3], atol=1e-12)
    np.testing.assert_allclose(keyframe.T_world_view, PATH[7], atol=1e-12)
