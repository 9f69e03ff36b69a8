import pytest

from aliked_ros.config import OdometryConfig
from aliked_ros.evaluation.odometry.stages import ADJUSTED, ALL, FRAME_TO_FRAME, KEYFRAMES, staged


def test_stages_differ_in_keyframes_and_window_alone():
    config = OdometryConfig(sensor="stereo", seed=3, keypoint_noise_px=0.7)
    assert staged(config, ALL) == config
    first, second, third = (
        staged(config, stage) for stage in (FRAME_TO_FRAME, KEYFRAMES, ADJUSTED)
    )
    assert 0 < first.keyframe_displacement_of_width < 0.01
    assert second.keyframe_displacement_of_width == config.keyframe_displacement_of_width
    for one in (first, second):
        assert one.window_size == 1
    assert third.window_size >= 3
    for one in (first, second, third):
        assert (one.sensor, one.seed, one.keypoint_noise_px) == ("stereo", 3, 0.7)


def test_a_window_that_was_asked_for_is_the_one_that_is_adjusted():
    for sensor in ("mono", "stereo"):
        config = OdometryConfig(sensor=sensor, window_size=5)
        assert staged(config, ADJUSTED).window_size == 5


def test_a_stage_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'loop closure'"):
        staged(OdometryConfig(), "loop closure")
