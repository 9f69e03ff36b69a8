import numpy as np
import pytest
import torch
from map_world import points_of, view_of
from point_world import K, match_views, room, sideways, turning

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import Motion
from aliked_ros.odometry import beginning as module
from aliked_ros.odometry.beginning import Beginning
from aliked_ros.odometry.view import PosedView
from aliked_ros.structs import Matches

CONFIG = OdometryConfig(sensor="mono")


def make(**changes):
    config = OdometryConfig(sensor="mono", **changes)
    return Beginning(config, MatcherConfig(min_similarity=0.9), K)


def starts_of(path, world=None):
    world = world or room()
    views = [view_of(world, T, number, depth=False) for number, T in enumerate(path)]
    return world, [PosedView(view, np.eye(4), np.zeros((6, 6))) for view in views]


def look(beginning, start, unit=1.0, num=None):
    """Show a view, with its true matches with the first one, or only so many of them."""
    matches = None
    if beginning.first is not None:
        pairs = torch.from_numpy(match_views(beginning.first.view, start.view).pairs[:num])
        matches = Matches(pairs, torch.ones(len(pairs)))
    return beginning.look(start, matches, unit)


def until_map(beginning, starts, unit=1.0):
    for index, start in enumerate(starts):
        outlook = look(beginning, start, unit)
        if outlook.local_map is not None:
            return index, outlook
    return None, outlook


def test_the_first_view_is_where_it_begins():
    _, starts = starts_of(sideways(1))
    beginning = make()
    assert beginning.first is None
    outlook = look(beginning, starts[0])
    assert beginning.first is starts[0]
    assert outlook.local_map is None
    assert "second image" in outlook.reason
    beginning.forget()
    assert beginning.first is None


def test_a_map_is_made_as_soon_as_there_is_parallax():
    world, starts = starts_of(sideways(12))
    index, outlook = until_map(make(), starts, unit=3.0)
    assert 1 < index < 8
    assert outlook.kind is Motion.GENERAL
    assert outlook.parallax_deg > CONFIG.min_parallax_deg
    assert outlook.reason == ""
    local_map = outlook.local_map
    assert local_map.newest.view is starts[index].view
    first = local_map.keyframes[0]
    assert first.view is starts[0].view
    depths = 3.0 * world.points[points_of(world, first.view)[first.linked]][:, 2]
    said = local_map.landmarks.points_world[first.numbers][:, 2]
    assert np.corrcoef(depths, said)[0, 1] > 0.95
    assert np.median(said) == pytest.approx(3.0, rel=0.15)


def test_more_parallax_takes_longer():
    _, starts = starts_of(sideways(20))
    assert until_map(make(), starts)[0] < until_map(make(min_parallax_deg=6.0), starts)[0]


@pytest.mark.parametrize(
    ("path", "kind", "word"),
    [
        (turning(12, 0.01), Motion.ROTATION, "only turns"),
        ([np.eye(4)] * 12, Motion.NONE, "stands still"),
    ],
)
def test_without_a_translation_it_waits(path, kind, word):
    _, starts = starts_of(path)
    index, outlook = until_map(make(), starts)
    assert index is None
    assert outlook.kind is kind
    assert word in outlook.reason


def test_views_between_are_asked_at_the_quarters_of_the_way(monkeypatch):
    asked = []

    def spy(pair, others, *rest):
        asked.append([matched.view1.stamp_ns for matched in others])
        return None, "no"

    monkeypatch.setattr(module, "build", spy)
    _, starts = starts_of(sideways(9, 0.2))
    beginning = make()
    outlooks = [look(beginning, start) for start in starts]
    assert outlooks[-1].reason == "no"
    assert asked[-1] == [2, 4, 6]
    assert asked[-4] == [1, 2, 4]  # of five steps the rounded quarters


def test_few_matches_begin_again_with_the_newest_view():
    _, starts = starts_of(sideways(3))
    beginning = make()
    look(beginning, starts[0])
    look(beginning, starts[1], num=40)
    assert beginning.first is starts[0]
    outlook = look(beginning, starts[2], num=39)
    assert beginning.first is starts[2]
    assert "39 matches" in outlook.reason
    assert "40 are needed" in outlook.reason


def test_after_forty_views_it_begins_again_halfway():
    _, starts = starts_of([np.eye(4)] * 45, room(count=300))
    beginning = make()
    for index, start in enumerate(starts):
        look(beginning, start)
        if index < 40:
            assert beginning.first is starts[0]
        else:
            assert beginning.first is starts[20]


def test_the_views_that_it_keeps_are_bounded():
    _, starts = starts_of([np.eye(4)] * 3, room(count=300))
    beginning = make()
    for index in range(200):
        look(beginning, starts[index % 3])
        assert len(beginning._starts) <= 40


def test_a_map_begins_where_the_first_view_is():
    _, starts = starts_of(sideways(12))
    T = sideways(30)[-1]
    placed = [PosedView(start.view, T, start.covariance) for start in starts]
    _, outlook = until_map(make(), placed)
    np.testing.assert_allclose(outlook.local_map.keyframes[0].T_world_view, T, atol=1e-12)


def test_a_first_view_that_is_out_of_sight_is_given_up():
    """A camera that walked on matches plenty of points with it, all of them wrongly."""
    _, starts = starts_of(sideways(4), room(count=300))
    beginning = make()
    look(beginning, starts[0])
    generator = np.random.default_rng(0)
    for start, first in ((starts[1], starts[0]), (starts[2], starts[2])):
        shuffled = generator.permutation(len(start.view))[: len(starts[0].view)]
        pairs = np.column_stack([np.arange(len(shuffled)), shuffled])
        matches = Matches(torch.from_numpy(pairs), torch.ones(len(pairs)))
        outlook = beginning.look(start, matches, 1.0)
        assert outlook.reason == "the matches do not agree on a motion"
        assert beginning.first is first
    look(beginning, starts[3])
    assert beginning.first is starts[2]


def test_one_view_that_agrees_on_no_motion_is_passed_over():
    _, starts = starts_of(sideways(12))
    beginning = make()
    look(beginning, starts[0])
    wrong = np.random.default_rng(0).permutation(100)
    pairs = np.column_stack([np.arange(100), wrong])
    for start in starts[1:3]:
        beginning.look(start, Matches(torch.from_numpy(pairs), torch.ones(100)), 1.0)
        look(beginning, start)
        assert beginning.first is starts[0]


def test_two_images_alone_never_make_a_map():
    _, starts = starts_of(sideways(3, step_m=0.6))
    beginning = make()
    look(beginning, starts[0])
    outlook = look(beginning, starts[1])
    assert outlook.local_map is None
    assert outlook.parallax_deg > 1.5
    assert "third image" in outlook.reason
    assert look(beginning, starts[2]).local_map is not None


def test_where_the_first_view_is_too_far_away_a_nearer_one_begins():
    path = sideways(12, step_m=0.1)
    for index, T in enumerate(path):
        T[:3, :3] = se3.exp_so3(np.array([0, 0.06 * index, 0]))
    _, starts = starts_of(path)
    beginning = make(min_parallax_deg=3.0)
    firsts = []
    for start in starts:
        outlook = look(beginning, start)
        firsts.append(beginning.first)
        if outlook.is_far:
            assert beginning.first is not firsts[-2]
            assert beginning.first is not start
            break
    else:
        raise AssertionError("nothing was too far away")
