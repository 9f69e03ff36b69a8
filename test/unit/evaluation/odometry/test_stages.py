from aliked_ros.config import OdometryConfig
from aliked_ros.evaluation.odometry.stages import STAGES


def test_each_stage_adds_one_part_of_the_method():
    common = OdometryConfig(sensor="stereo", seed=3, keypoint_noise_px=0.7)
    newest, adjusted, whole = (stage.of(common) for stage in STAGES)
    assert (newest.window_size, newest.max_keyframes) == (1, 10)
    assert (adjusted.window_size, adjusted.max_keyframes) == (common.window_size, 10)
    assert whole == common
    for one in (newest, adjusted, whole):
        assert (one.sensor, one.seed, one.keypoint_noise_px) == ("stereo", 3, 0.7)
    # The least map holds a whole window: what the last stage adds is memory.
    assert adjusted.max_keyframes >= OdometryConfig().window_size
