import numpy as np
import pytest
from map_world import keyframe_of, points_of, true_map
from point_world import room, sideways

from aliked_ros.odometry.map.culling import cull_keyframes, cull_landmarks
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.landmarks import NONE


@pytest.fixture
def local_map():
    """Five keyframes at one place, so that all show the same landmarks, numbered 0 to 4."""
    world = room(count=300)
    local_map = true_map(world, [np.eye(4)])
    first = local_map.newest
    for number in range(1, 5):
        local_map.append(
            Keyframe(
                number, first.view, first.T_view_world, first.covariance, first.landmark.copy()
            )
        )
    local_map.landmarks.born[:] = 4
    return local_map


def shown(local_map):
    return local_map.keyframes[0].numbers.copy()


def show_only_in(local_map, landmark, num_keyframes):
    """Let so many keyframes, the newest, show a landmark."""
    for keyframe in local_map.keyframes[: len(local_map) - num_keyframes]:
        keyframe.landmark[keyframe.landmark == landmark] = NONE


def is_alive_after(local_map, landmark, *, has_depth=True):
    cull_landmarks(local_map, has_depth=has_depth)
    alive = bool(local_map.landmarks.is_alive[landmark])
    for image in local_map.images:
        assert alive or landmark not in image.numbers
    return alive


def test_good_landmarks_stay_and_those_that_no_keyframe_shows_die(local_map):
    seen = shown(local_map)
    cull_landmarks(local_map, has_depth=True)
    np.testing.assert_array_equal(np.flatnonzero(local_map.landmarks.is_alive), np.sort(seen))


@pytest.mark.parametrize(
    ("num_expected", "num_found", "lives"),
    [(11, 2, False), (11, 3, True), (10, 1, True), (100, 24, False), (100, 26, True)],
)
def test_a_landmark_that_images_do_not_show_where_they_should_dies(
    local_map, num_expected, num_found, lives
):
    one = shown(local_map)[7]
    local_map.landmarks.num_expected[one] = num_expected
    local_map.landmarks.num_found[one] = num_found
    assert is_alive_after(local_map, one) is lives


@pytest.mark.parametrize(
    ("age", "num_observers", "lives"), [(2, 1, True), (3, 1, False), (3, 2, True), (4, 1, False)]
)
def test_after_three_keyframes_more_than_one_must_show_a_landmark(
    local_map, age, num_observers, lives
):
    one = shown(local_map)[7]
    show_only_in(local_map, one, num_observers)
    local_map.landmarks.born[one] = 4 - age
    assert is_alive_after(local_map, one) is lives


@pytest.mark.parametrize(
    ("age", "num_expected", "num_observers", "lives"),
    [
        (2, 7, 2, False),
        (2, 7, 3, True),
        (2, 6, 2, True),
        (1, 7, 2, True),
        (19, 7, 2, False),
        (20, 7, 2, True),
    ],
)
def test_a_triangulated_landmark_is_on_trial_until_three_keyframes_show_it(
    local_map, age, num_expected, num_observers, lives
):
    one = shown(local_map)[7]
    show_only_in(local_map, one, num_observers)
    local_map.landmarks.born[one] = 4 - age
    local_map.landmarks.num_expected[one] = local_map.landmarks.num_found[one] = num_expected
    assert is_alive_after(local_map, one, has_depth=False) is lives
    assert local_map.landmarks.is_alive[shown(local_map)].all()


def test_measured_landmarks_are_not_on_trial(local_map):
    one = shown(local_map)[7]
    show_only_in(local_map, one, 2)
    local_map.landmarks.born[one] = 2
    local_map.landmarks.num_expected[one] = local_map.landmarks.num_found[one] = 7
    assert is_alive_after(local_map, one, has_depth=True)


def test_an_image_that_is_no_keyframe_loses_its_links_too(local_map):
    newest = local_map.newest
    image = Keyframe(5, newest.view, newest.T_view_world, newest.covariance, newest.landmark.copy())
    local_map.newest_image = image
    one = shown(local_map)[7]
    local_map.landmarks.num_expected[one] = 100
    assert not is_alive_after(local_map, one)
    assert one not in image.numbers


def numbers_of(local_map):
    return [keyframe.number for keyframe in local_map.keyframes]


def test_keyframes_that_three_others_cover_go_until_none_is_covered(local_map):
    cull_keyframes(local_map, max_keyframes=100)
    # The newest and the first stay; of the others each may go while three others remain.
    assert len(local_map) == 3
    assert {0, 4} <= set(numbers_of(local_map))


def test_a_keyframe_that_shows_a_tenth_of_its_own_stays(local_map):
    middle = local_map.keyframes[2]
    for keyframe in local_map.keyframes:
        if keyframe is not middle:
            keyframe.landmark[middle.linked[: len(middle.linked) // 9]] = NONE
    cull_keyframes(local_map, max_keyframes=100)
    assert middle in local_map.keyframes


def test_a_keyframe_that_shows_nothing_at_all_is_no_reason_to_crash(local_map):
    local_map.keyframes[1].landmark[:] = NONE
    cull_keyframes(local_map, max_keyframes=100)
    assert 1 in numbers_of(local_map)


def test_only_keyframes_around_the_newest_are_judged(local_map):
    world = room(seed=5, count=300)
    newest = keyframe_of(world, np.eye(4), 5)
    local_map.landmarks.add(
        world.points, np.zeros((300, 3, 3)), world.descriptors.numpy(), np.zeros((300, 3)), 5
    )
    newest.landmark += 300
    local_map.append(newest)
    cull_keyframes(local_map, max_keyframes=100)
    assert numbers_of(local_map) == [0, 1, 2, 3, 4, 5]


def test_beyond_the_limit_the_oldest_go():
    local_map = true_map(room(), sideways(60)[::5])
    for keyframe in local_map.keyframes:  # each landmark is shown by two
        lag = keyframe.landmark // 100 - keyframe.number
        keyframe.landmark[(lag < 0) | (lag > 1)] = NONE
    assert numbers_of(local_map) == list(range(12))
    cull_keyframes(local_map, max_keyframes=10)
    assert numbers_of(local_map) == list(range(2, 12))


def test_a_keyframe_that_leaves_takes_no_link_of_others_along():
    world = room()
    local_map = true_map(world, sideways(60)[::5])
    cull_keyframes(local_map, max_keyframes=10)
    for keyframe in local_map.keyframes:
        np.testing.assert_array_equal(keyframe.landmark, points_of(world, keyframe.view))
