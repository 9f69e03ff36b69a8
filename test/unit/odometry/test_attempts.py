import numpy as np
import pytest
import torch
from map_world import points_of, true_map, view_of
from point_world import K, match_views, room, sideways

from aliked_ros.geometry import se3
from aliked_ros.odometry import attempts as module
from aliked_ros.odometry.attempts import attempts
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.structs import Matches

PATH = sideways(8)
RADIUS_PX = 32.0


@pytest.fixture
def scene():
    world = room()
    local_map, view = true_map(world, PATH[:5]), view_of(world, PATH[-1])
    matched = match_views(local_map.newest_image.view, view)
    pairs = torch.from_numpy(matched.pairs)
    similarities = torch.linspace(0.9, 1.0, len(matched))
    return world, local_map, view, Matches(pairs, similarities)


def made(scene, *, expected=True, previous=True, radius_px=RADIUS_PX):
    _, local_map, view, matches = scene
    return attempts(
        view, local_map, matches if previous else None,
        se3.inverse(PATH[-1]) if expected else None, K, radius_px, 0.9,
    )  # fmt: skip


def test_what_is_trusted_most_comes_first(scene):
    near, wide, previous, whole, helped = made(scene)
    for attempt in (near, wide):
        np.testing.assert_array_equal(attempt.T_view_world, se3.inverse(PATH[-1]))
        assert len(attempt.links.expected) > 0
    for attempt in (previous, whole, helped):
        assert attempt.T_view_world is None
    assert [a.trusts_prior for a in (near, wide, previous, whole, helped)] == [False] * 4 + [True]
    assert helped.links is whole.links


def test_what_is_not_known_is_not_tried(scene):
    assert len(list(made(scene, expected=False))) == 3
    assert len(list(made(scene, radius_px=0.0))) == 3
    assert len(list(made(scene, previous=False))) == 4
    assert len(list(made(scene, expected=False, previous=False))) == 2


def test_nothing_is_looked_for_before_it_is_asked_for(scene, monkeypatch):
    calls = []
    for name in ("find_by_place", "find_by_descriptor", "_shown_before"):
        original = getattr(module, name)

        def counted(*args, name=name, original=original):
            calls.append(name)
            return original(*args)

        monkeypatch.setattr(module, name, counted)
    candidates = made(scene)
    assert calls == []
    for expected in (
        ["find_by_place"], ["find_by_place"], ["_shown_before"], ["find_by_descriptor"], [],
    ):  # fmt: skip
        next(candidates)
        assert calls == expected
        calls.clear()


def test_the_second_look_is_three_times_as_wide(scene):
    world, local_map, view, _ = scene
    aside = se3.from_rotation_translation(np.eye(3), np.array([0.4, 0, 0])) @ se3.inverse(PATH[-1])
    # 0.4 m aside, points at 2 to 10 m move by 20 to 100 px.
    near, wide, *_ = attempts(
        view, local_map, None, aside, K, 20.0, 0.9
    )  # fmt: skip
    assert 0 < len(near.links) < 0.7 * len(wide.links)
    for attempt in (near, wide):
        shown = points_of(world, view)[attempt.links.keypoints]
        np.testing.assert_array_equal(shown, attempt.links.numbers)


def test_landmarks_of_the_image_before_follow_its_matches_with_their_cosines(scene):
    world, local_map, view, matches = scene
    shown_before = local_map.newest_image.landmark
    gone, unknown = shown_before[matches.indices[0, 0]], matches.indices[1, 0]
    local_map.landmarks.is_alive[gone] = False
    shown_before[unknown] = NONE
    view.xy[matches.indices[2, 1]] = np.nan
    _, _, previous, *_ = made(scene)
    links = previous.links
    assert len(links) == len(matches) - 3
    np.testing.assert_array_equal(points_of(world, view)[links.keypoints], links.numbers)
    descriptors = (
        local_map.newest_image.view.descriptors[matches.indices[3:, 0]],
        view.descriptors[matches.indices[3:, 1]],
    )
    cosines = (descriptors[0] * descriptors[1]).sum(axis=1)
    # A learned matcher scores from 0.1 on what the level of the map takes for cosines.
    assert abs(cosines - matches.similarities[3:].numpy()).max() > 0.01
    np.testing.assert_allclose(links.similarities, cosines, atol=1e-6)


def test_the_whole_image_is_searched_for_the_living_landmarks_of_the_reference(scene):
    _, local_map, view, _ = scene
    shown = np.intersect1d(local_map.newest.numbers, points_of(scene[0], view))
    local_map.landmarks.is_alive[shown[:20]] = False
    *_, whole, _ = made(scene)
    found = whole.links.numbers[whole.links.similarities > 0.9]
    np.testing.assert_array_equal(np.sort(found), shown[20:])
