from dataclasses import replace

import numpy as np
import pytest
from bundle_world import window


def test_a_landmark_seen_twice_by_one_keyframe_is_refused():
    problem, _, _ = window(depth_share=0.5)
    keyframe = problem.keyframe.copy()
    landmark = problem.landmark.copy()
    keyframe[1], landmark[1] = keyframe[0], landmark[0]
    with pytest.raises(ValueError, match="twice"):
        replace(problem, keyframe=keyframe, landmark=landmark)


def test_an_index_outside_the_problem_is_refused():
    problem, _, _ = window()
    with pytest.raises(ValueError, match="landmark has indices"):
        replace(problem, points_world=problem.points_world[:10])


def test_a_window_that_nothing_holds_in_place_is_refused():
    problem, _, _ = window()
    with pytest.raises(ValueError, match="fix its first pose"):
        replace(problem, is_fixed=np.zeros(5, dtype=bool))


def test_depths_without_their_noise_are_refused():
    problem, _, _ = window()
    with pytest.raises(ValueError, match="give both or none"):
        replace(problem, inverse_depth_sigma=None)


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("T_camera_world", lambda T: np.where(np.arange(5)[:, None, None] == 2, np.nan, T),
         "T_camera_world of keyframe 2 is not finite"),
        ("sigma", lambda sigma: sigma * 0, "sigma of observation 0 is 0.0: give a deviation above"),
        ("sigma", lambda sigma: np.full_like(sigma, np.nan), "sigma of observation 0 is nan"),
        ("inverse_depth_sigma", lambda sigma: -sigma, "inverse_depth_sigma of observation"),
        ("xy", lambda xy: xy[:-1], r"xy has shape \(\d+, 2\): give"),
        ("sigma", lambda sigma: sigma[:-1], "sigma has shape"),
        ("landmark", lambda landmark: landmark[:-1], "landmark has shape"),
        ("inverse_depth", lambda depth: depth[:-1], "inverse_depth has shape"),
        ("inverse_depth_sigma", lambda sigma: sigma[:-1], "inverse_depth_sigma has shape"),
        ("is_fixed", lambda fixed: fixed[:-1], "is_fixed has shape"),
        ("T_camera_world", lambda T: T[:, :3], "T_camera_world has shape"),
        ("points_world", lambda points: points[:, :2], "points_world has shape"),
    ],
)  # fmt: skip
def test_rows_that_are_missing_and_numbers_that_say_nothing_are_refused(name, spoil, reason):
    problem, _, _ = window(depth_share=0.5)
    with pytest.raises(ValueError, match=reason):
        replace(problem, **{name: spoil(getattr(problem, name))})


def test_the_noise_of_a_depth_that_was_not_measured_may_be_anything():
    problem, _, _ = window(depth_share=0.5)
    sigma = np.where(np.isfinite(problem.inverse_depth), problem.inverse_depth_sigma, 0)
    assert replace(problem, inverse_depth_sigma=sigma).inverse_depth_sigma is sigma
