import pytest

from aliked_ros.config import OdometryConfig
from aliked_ros.evaluation.odometry.stages import ADJUSTED, ALL, FRAME_TO_FRAME, KEYFRAMES, staged


def test_stages_differ_in_keyframes_and_window_alone():
    config = OdometryConfig(sensor="stereo", seed=3, keypoint_noise_px=0.7)
    assert staged(config, ALL) == config
    first, second, third = (
        staged(config, stage) for stage in (FRAME_TO_FRAME, KEYFRAMES, ADJUSTED)
    )
    assert first.keyframe_displacement == first.mono_keyframe_displacement == 0
    assert second.keyframe_displacement == config.keyframe_displacement
    for one in (first, second):
        assert one.window_size == one.mono_window_size == 1
    assert min(third.window_size, third.mono_window_size) >= 3
    for one in (first, second, third):
        assert (one.sensor, one.seed, one.keypoint_noise_px) == ("stereo", 3, 0.7)


def test_a_window_that_was_asked_for_is_the_one_that_is_adjusted():
    assert staged(OdometryConfig(mono_window_size=5), ADJUSTED).mono_window_size == 5


def test_a_stage_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'loop closure'"):
        staged(OdometryConfig(), "loop closure")
