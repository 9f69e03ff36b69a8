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
