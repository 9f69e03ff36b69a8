import numpy as np
import pytest
from map_world import localiser, off, true_map, view_of
from point_world import CAMERA, nothing, room, sideways

from aliked_ros.odometry import recovery as module
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.recovery import Recovery

PATH = sideways(60)[::5]  # 12 keyframes, half a metre apart
ELSEWHERE = room(seed=9, count=200)


@pytest.fixture
def lost():
    world = room()
    return world, true_map(world, PATH)


@pytest.fixture
def compared(monkeypatch):
    """Counts how many landmarks of how many keyframes are compared."""
    calls = []
    original = module.find_by_descriptor

    def counted(landmarks, numbers, view):
        calls.append(numbers)
        return original(landmarks, numbers, view)

    monkeypatch.setattr(module, "find_by_descriptor", counted)
    return calls


def test_a_place_of_the_lost_map_is_recognised(lost):
    world, local_map = lost
    recovery, there = Recovery(), sideways(58)[-1]
    recovery.lose(local_map)
    recognised = recovery.recognise(view_of(world, there), localiser(), 15)
    assert recognised.local_map is local_map
    assert recognised.local_map.reference is local_map.newest
    assert off(recognised.located.T_view_world, there)[0] < 0.005
    assert len(recognised.located) > 30
    # It is found, so it is not looked for any more.
    assert recovery.recognise(view_of(world, there), localiser(), 15) is None


def test_nothing_is_looked_for_before_something_is_lost(lost, compared):
    world, local_map = lost
    recovery = Recovery()
    assert recovery.recognise(view_of(world, PATH[0]), localiser(), 15) is None
    recovery.lose(local_map)
    recovery.forget()
    assert recovery.recognise(view_of(world, PATH[0]), localiser(), 15) is None
    assert compared == []


def test_two_keyframes_are_compared_per_image_all_in_turn_the_newest_first(lost, compared):
    _, local_map = lost
    recovery = Recovery()
    recovery.lose(local_map)
    view = view_of(ELSEWHERE, np.eye(4))
    for _ in range(7):
        assert recovery.recognise(view, localiser(), 15) is None
    assert len(compared) == 14
    expected = [*reversed(local_map.keyframes), *reversed(local_map.keyframes)]
    for numbers, keyframe in zip(compared, expected, strict=False):
        np.testing.assert_array_equal(numbers, keyframe.numbers)


def test_a_map_of_one_keyframe_is_compared_once_per_image(compared):
    recovery = Recovery()
    recovery.lose(true_map(room(), PATH[:1]))
    recovery.recognise(view_of(ELSEWHERE, np.eye(4)), localiser(), 15)
    assert len(compared) == 1


def test_after_thirty_images_every_fifth_is_compared(lost, compared):
    _, local_map = lost
    recovery, view = Recovery(), view_of(ELSEWHERE, np.eye(4))
    recovery.lose(local_map)
    per_image = []
    for _ in range(60):
        before = len(compared)
        recovery.recognise(view, localiser(), 15)
        per_image.append(len(compared) - before)
    assert per_image[:30] == [2] * 30
    assert per_image[30:] == [0, 0, 0, 0, 2] * 6


def test_another_loss_ends_the_pause(lost, compared):
    _, local_map = lost
    recovery, view = Recovery(), view_of(ELSEWHERE, np.eye(4))
    recovery.lose(local_map)
    for _ in range(33):
        recovery.recognise(view, localiser(), 15)
    compared.clear()
    recovery.lose(true_map(room(seed=4), PATH[:2]))
    recovery.recognise(view, localiser(), 15)
    np.testing.assert_array_equal(compared[0], local_map.newest.numbers)  # the larger map


@pytest.mark.parametrize("order", ["larger first", "smaller first"])
def test_of_two_lost_maps_the_larger_is_looked_for(lost, order):
    world, large = lost
    small = true_map(world, PATH[:2])
    recovery = Recovery()
    for local_map in (large, small) if order == "larger first" else (small, large):
        recovery.lose(local_map)
    assert recovery.recognise(view_of(world, PATH[-1]), localiser(), 15).local_map is large


def test_what_is_found_must_be_beyond_doubt(lost):
    world, local_map = lost
    view = view_of(world, PATH[-1])

    def recognised(min_inliers):
        recovery = Recovery()
        recovery.lose(local_map)
        return recovery.recognise(view, localiser(), min_inliers)

    num = len(recognised(15).located)
    assert recognised(num // 2) is not None
    assert recognised(num // 2 + 1) is None


def test_landmarks_that_are_dead_are_not_looked_for(lost, compared):
    world, local_map = lost
    dead = local_map.newest.numbers[:50]
    local_map.landmarks.is_alive[dead] = False
    recovery = Recovery()
    recovery.lose(local_map)
    recovery.recognise(view_of(world, PATH[-1]), localiser(), 15)
    assert not np.isin(compared[0], dead).any()


def test_an_image_with_few_keypoints_shows_no_place_and_costs_nothing(lost, compared):
    _, local_map = lost
    recovery = Recovery()
    recovery.lose(local_map)
    features, depths_m = nothing()
    assert (
        recovery.recognise(make_view(0, features, CAMERA, depths_m, 1e-3), localiser(), 15) is None
    )
    assert compared == []
