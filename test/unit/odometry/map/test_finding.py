from dataclasses import replace

import numpy as np
from map_world import points_of, true_map, view_of
from point_world import HEIGHT, WIDTH, K, room, sideways

from aliked_ros.geometry import se3
from aliked_ros.odometry.map.finding import find_by_descriptor, find_by_place, project_landmarks
from aliked_ros.odometry.map.landmarks import Landmarks

SIZE = (HEIGHT, WIDTH)


def landmarks_at(points, direction=(0, 0, 1)):
    num = len(points)
    landmarks = Landmarks(4)
    landmarks.add(
        np.array(points, float), np.zeros((num, 3, 3)), np.zeros((num, 4), np.float32),
        np.tile(np.array(direction, float) / np.linalg.norm(direction), (num, 1)), 0,
    )  # fmt: skip
    return landmarks


def seen_by(landmarks, T_view_world=None):
    everything = np.arange(len(landmarks))
    T = np.eye(4) if T_view_world is None else T_view_world
    numbers, places = project_landmarks(landmarks, everything, T, K, SIZE)
    return numbers.tolist(), places


def test_landmarks_in_front_and_inside_the_image_are_expected_at_their_place():
    points = [[0, 0, 5], [0, 0, -5], [3.15, 0, 5], [3.25, 0, 5], [0, -2.3, 5], [0, -2.5, 5]]
    numbers, places = seen_by(landmarks_at(points))
    assert numbers == [0, 2, 4]
    np.testing.assert_allclose(places, [[319.5, 239.5], [634.5, 239.5], [319.5, 9.5]])


def test_a_landmark_behind_the_view_is_not_expected():
    numbers, _ = seen_by(landmarks_at([[0, 0, -5]], direction=(0, 0, -1)))
    assert numbers == []


def test_landmarks_are_projected_from_where_the_view_is():
    T_world_view = se3.exp(np.array([1.0, 0.5, 0.2, 0.0, 0.1, 0.0]))
    point = se3.transform(T_world_view, np.array([[0.0, 0.0, 4.0]]))
    numbers, places = seen_by(landmarks_at(point), se3.inverse(T_world_view))
    assert numbers == [0]
    np.testing.assert_allclose(places, [[319.5, 239.5]], atol=1e-9)


def test_a_landmark_is_not_expected_from_quite_another_side():
    for angle_deg, is_expected in ((0, True), (50, True), (70, False), (180, False)):
        angle = np.radians(angle_deg)
        direction = [np.sin(angle), 0, np.cos(angle)]
        numbers, _ = seen_by(landmarks_at([[0, 0, 5]], direction))
        assert (numbers == [0]) is is_expected


def test_only_landmarks_that_are_asked_for_are_expected():
    landmarks = landmarks_at([[0, 0, 5]] * 4)
    numbers, _ = project_landmarks(landmarks, np.array([3, 1]), np.eye(4), K, SIZE)
    assert numbers.tolist() == [3, 1]


def near(T_expected, radius_px, least_similarity=0.9, num=None):
    world, T = room(), sideways(5)[-1]
    local_map, view = true_map(world, [np.eye(4)]), view_of(world, T)
    numbers = local_map.keyframes[0].numbers[:num]
    links = find_by_place(
        local_map.landmarks, numbers, view, T_expected(T), K, radius_px, least_similarity
    )
    return world, view, links


def test_by_place_every_landmark_in_sight_is_found_at_its_own_keypoint():
    world, view, links = near(se3.inverse, 3.0)
    shown = points_of(world, view)
    np.testing.assert_array_equal(shown[links.keypoints], links.numbers)
    assert len(links) == len(np.intersect1d(links.expected, shown)) > 200
    assert set(links.numbers) <= set(links.expected)
    np.testing.assert_allclose(links.similarities, 1, atol=1e-5)


def test_by_place_nothing_is_found_beyond_the_radius():
    def aside(T):
        return se3.from_rotation_translation(np.eye(3), np.array([0.2, 0, 0])) @ se3.inverse(T)

    # 0.2 m aside moves points at 2 to 10 m by 10 to 50 px; 60 px are enough, 9 px are not.
    assert len(near(aside, 60.0)[2]) > 200
    assert len(near(aside, 9.0)[2]) == 0


def test_by_place_dissimilar_keypoints_are_no_landmark():
    assert len(near(se3.inverse, 3.0, least_similarity=1.01)[2]) == 0


def test_by_descriptor_landmarks_are_found_wherever_they_are():
    world, T = room(), sideways(5)[-1]
    local_map, view = true_map(world, [np.eye(4)]), view_of(world, T)
    shown, numbers = points_of(world, view), local_map.keyframes[0].numbers
    links = find_by_descriptor(local_map.landmarks, numbers, view)
    is_right = shown[links.keypoints] == links.numbers
    assert is_right.sum() == len(np.intersect1d(numbers, shown))
    # Those without a keypoint may find a stranger, but not one that looks the same.
    assert (links.similarities[~is_right] < 0.9).all()
    assert len(links.expected) == 0


def test_by_descriptor_a_keypoint_without_a_direction_shows_nothing():
    world = room()
    local_map, view = true_map(world, [np.eye(4)]), view_of(world, np.eye(4))
    xy = view.xy.copy()
    xy[:10] = np.nan
    numbers = local_map.keyframes[0].numbers
    links = find_by_descriptor(local_map.landmarks, numbers, replace(view, xy=xy))
    assert links.keypoints.min() == 10
    assert len(links) == len(view) - 10


def test_selecting_keeps_the_rows_together_and_what_was_expected():
    _, _, links = near(se3.inverse, 3.0)
    chosen = links.select(np.arange(len(links)) % 2 == 1)
    np.testing.assert_array_equal(chosen.numbers, links.numbers[1::2])
    np.testing.assert_array_equal(chosen.keypoints, links.keypoints[1::2])
    np.testing.assert_array_equal(chosen.similarities, links.similarities[1::2])
    assert chosen.expected is links.expected


def test_no_landmarks_give_no_links():
    _, view, links = near(se3.inverse, 3.0, num=0)
    assert len(links) == len(links.expected) == 0
    landmarks = true_map(room(), []).landmarks
    assert len(find_by_descriptor(landmarks, np.zeros(0, np.int64), view)) == 0
