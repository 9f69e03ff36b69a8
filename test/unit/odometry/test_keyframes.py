from types import SimpleNamespace

import numpy as np
import pytest

from aliked_ros.config import OdometryConfig
from aliked_ros.odometry import Motion
from aliked_ros.odometry.keyframes import KeyframeRule
from aliked_ros.odometry.motion import MotionSince

WIDTH = 640
CONFIG = OdometryConfig(keyframe_displacement_of_width=0.1, keyframe_inlier_share=0.75)
NUM_LANDMARKS = 200  # that the last keyframe shows


def is_due(
    rule, num_common=180, displacement_px=20.0, num_located=180, num_keypoints=300,
    kind=Motion.GENERAL,
):  # fmt: skip
    reference = SimpleNamespace(numbers=np.arange(NUM_LANDMARKS))
    motion = MotionSince(kind, num_common, 1.0, displacement_px)
    return rule.is_due(reference, range(num_keypoints), range(num_located), motion)


def make():
    return KeyframeRule(CONFIG, WIDTH)


def test_a_view_near_the_last_keyframe_is_none():
    assert not is_due(make())


def test_keypoints_that_moved_far_make_a_keyframe():
    assert not is_due(make(), displacement_px=63)
    assert is_due(make(), displacement_px=65)


def test_landmarks_that_went_out_of_sight_make_a_keyframe():
    rule = make()
    assert not is_due(rule, num_common=160)  # what the first image after it shows is the measure
    assert not is_due(rule, num_common=121)
    assert is_due(rule, num_common=119)
    assert not is_due(make(), num_common=119)


def test_another_keyframe_has_another_measure():
    rule = make()
    is_due(rule, num_common=200)
    assert is_due(rule, num_common=140)
    rule.restart()
    assert not is_due(rule, num_common=140)
    assert not is_due(rule, num_common=106)


def test_very_few_common_landmarks_make_a_keyframe():
    assert not is_due(make(), num_common=30)
    assert is_due(make(), num_common=29)


@pytest.mark.parametrize(
    ("num_located", "num_keypoints", "due"),
    [(100, 1000, False), (99, 1000, True), (40, 80, False), (39, 80, True)],
)
def test_a_map_that_shows_little_makes_a_keyframe(num_located, num_keypoints, due):
    assert is_due(make(), num_located=num_located, num_keypoints=num_keypoints) is due


def test_a_camera_that_stands_still_makes_none():
    everything = {"num_common": 20, "displacement_px": 200, "num_located": 20}
    assert is_due(make(), **everything)
    assert not is_due(make(), **everything, kind=Motion.NONE)


def test_a_keyframe_without_landmarks_is_no_crash():
    rule = make()
    reference = SimpleNamespace(numbers=np.zeros(0, np.int64))
    motion = MotionSince(Motion.GENERAL, 0, 0.0, np.inf)
    assert rule.is_due(reference, range(10), range(20), motion)
