import numpy as np
import pytest
from map_world import true_map
from odometry_runs import feed, make
from point_world import room, sideways

from aliked_ros.odometry import State
from aliked_ros.odometry.trial import Trial


class Shows:
    """An image that shows so many landmarks."""

    def __init__(self, num):
        self.num = num

    def __len__(self):
        return self.num


def on_trial(num_first):
    trial, local_map = Trial(), true_map(room(), sideways(3))
    newest = local_map.newest
    newest.landmark[newest.linked[num_first:]] = -1
    trial.start(local_map, median_depth=3.0)
    return trial


def test_nothing_is_judged_where_no_map_is_on_trial():
    trial = Trial()
    assert not trial.is_open
    assert trial.judge(None) == ""


@pytest.mark.parametrize(("num_first", "enough"), [(200, 50), (60, 30)])
def test_a_map_is_believed_after_two_images_that_show_enough_of_it(num_first, enough):
    trial = on_trial(num_first)
    assert trial.judge(Shows(enough)) == ""
    assert trial.is_open
    assert trial.judge(Shows(enough)) == ""
    assert not trial.is_open
    assert trial.judge(Shows(enough - 1)) == ""  # not its business any more


@pytest.mark.parametrize("image", [None, Shows(29)])
def test_a_map_that_the_next_image_does_not_show_is_wrong(image):
    trial = on_trial(60)
    reason = trial.judge(image)
    assert "withdrawn" in reason
    assert f"{0 if image is None else 29} of its 60 landmarks" in reason


def until_first_map(odometry, sightings):
    """Feed images until there is a map; return how many."""
    for index, sighting in enumerate(sightings):
        feed(odometry, [sighting], "mono", index)
        if odometry.keyframes():
            return index + 1
    raise AssertionError("no map")


def test_no_pose_is_told_before_later_images_confirm_the_map():
    here, path = room(), sideways(20)
    sightings = [here.see(T) for T in path]
    num = until_first_map(make("mono"), sightings)
    states = [result.state for result in feed(make("mono"), sightings, "mono")]
    assert set(states[: num + 1]) == {State.INITIALISING}
    assert set(states[num + 1 :]) == {State.TRACKING}


def test_a_first_map_that_the_next_image_contradicts_is_withdrawn_and_said():
    here, there, path = room(), room(seed=7), sideways(30)
    sightings = [here.see(T) for T in path]
    num = until_first_map(make("mono"), sightings)
    odometry = make("mono")
    feed(odometry, sightings[:num], "mono")
    (result,) = feed(odometry, [there.see(path[num])], "mono", num)
    assert result.state is State.INITIALISING
    assert result.T_world_camera is None
    assert "the first map is withdrawn" in result.reason
    assert odometry.keyframes() == []
    # It begins anew, as if there had been none: at the origin.
    results = feed(odometry, sightings[num + 1 :], "mono", num + 1)
    tracked = [result for result in results if result.state is State.TRACKING]
    assert tracked
    assert np.isfinite(tracked[-1].T_world_camera).all()
    assert {result.state for result in results} == {State.INITIALISING, State.TRACKING}


def test_a_map_after_a_loss_is_on_trial_too():
    here, there = room(), room(seed=7)
    sightings = [here.see(T) for T in sideways(15)] + [there.see(T) for T in sideways(15)]
    results = feed(make("mono", coast_s=0.0), sightings, "mono")
    states = [result.state for result in results[15:]]
    num_lost = states.index(State.TRACKING)
    assert set(states[:num_lost]) == {State.LOST}
    assert "confirm the first map" in results[15 + num_lost - 1].reason
